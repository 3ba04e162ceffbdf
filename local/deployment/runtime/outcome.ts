/** What a client is told of a function's end, made from what the worker says of it. */
import type { Outcome } from "../engine.ts";
import type { FunctionOutput } from "./transaction-messages.ts";

export function outcomeOf(output: FunctionOutput, requestId: string): Outcome {
  const { logLines } = output;
  if (output.ok) return { ok: true, json: output.value, logLines };
  const { message, data } = output;
  return {
    ok: false,
    errorMessage: `[Request ID: ${requestId}] Server Error\n${message}`,
    ...(data !== undefined && { errorData: data }),
    logLines,
  };
}

export function failedOutput(message: string): FunctionOutput {
  return { ok: false, message, logLines: [] };
}
