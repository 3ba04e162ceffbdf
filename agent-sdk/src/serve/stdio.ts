/**
 * The operations over standard input and output, one JSON document a line:
 *
 *   in    {"id": 1, "method": "upload", "params": {…}, "correlationId"?: "…"}
 *   out   {"id": 1, "progress": {…}}      any number, in between
 *         {"id": 1, "result": …}          or {"id": 1, "error": {"code", "message", "hint", …}}
 *
 * Requests run beside each other; answers come as they are ready. Ends with its input.
 */
import type { Readable } from "node:stream";
import * as z from "zod";
import { correlationIdSchema } from "../../../contract/asset.ts";
import { MIB } from "../../../contract/limits.ts";
import { ReelsyncError } from "../errors.ts";
import { outcomeOf, thinned } from "./answer-lines.ts";
import { OPERATIONS, type Operation } from "./operations.ts";
import { parsed, type Sidecar } from "./sidecar.ts";
import { toldError } from "./told-error.ts";

const MAX_LINE_BYTES = 16 * MIB;

const lineSchema = z.strictObject({
  id: z.union([z.string(), z.number()]),
  method: z.string(),
  params: z.record(z.string(), z.unknown()).optional(),
  correlationId: correlationIdSchema.optional(),
});
type Line = z.infer<typeof lineSchema>;

export interface LineServer {
  /** Resolves when the input has ended. What is under way then goes on. */
  ended: Promise<void>;
  /** Resolves when everything that was asked is answered. */
  answered: () => Promise<unknown>;
}

export function serveLines(
  sidecar: Sidecar,
  input: Readable,
  write: (record: object) => void,
  signal: AbortSignal,
): LineServer {
  const answers = new Set<Promise<void>>();

  async function perform({ id, method, params = {}, correlationId }: Line): Promise<void> {
    const operation = Object.hasOwn(OPERATIONS, method)
      ? (OPERATIONS as Record<string, Operation>)[method]
      : undefined;
    const onProgress = thinned((progress) => write({ id, progress }));
    const work =
      operation === undefined
        ? Promise.reject(new ReelsyncError("NOT_FOUND", `There is no method "${method}" here`))
        : sidecar.perform(operation, params, { correlationId, onProgress });
    write({ id, ...(await outcomeOf(work)) });
  }

  async function read(): Promise<void> {
    for await (const text of linesOf(input, signal)) {
      if (text.trim() === "") continue;
      try {
        const answer = perform(parsed(lineSchema, fromJson(text))).finally(() => answers.delete(answer));
        answers.add(answer);
      } catch (error) {
        write({ id: idOf(text), error: toldError(error) });
      }
    }
  }

  return { ended: read(), answered: () => Promise.all(answers) };
}

async function* linesOf(input: Readable, signal: AbortSignal): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  const stop = () => input.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const chunk of input) {
      const lines = decoder.decode(chunk as Uint8Array, { stream: true }).split("\n");
      lines[0] = rest + (lines[0] ?? "");
      rest = lines.pop() ?? "";
      // A line nobody ends may not fill the memory.
      if (rest.length > MAX_LINE_BYTES) rest = rest.slice(0, MAX_LINE_BYTES);
      yield* lines;
    }
    yield rest;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new ReelsyncError("INVALID_ARGUMENT", "The line is not JSON", { cause: error });
  }
}

/** So that a caller can tell which of its lines was wrong, where that can be told. */
function idOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { id?: unknown }).id ?? null;
  } catch {
    return null;
  }
}
