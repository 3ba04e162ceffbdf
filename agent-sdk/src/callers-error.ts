/**
 * What a function of the caller's throws inside a call of the SDK. It is his: it goes through every layer without being
 * judged or coded, and reaches him as he threw it.
 */
import { codedError } from "./errors.ts";

class CallersError extends Error {
  readonly thrown: unknown;

  constructor(thrown: unknown) {
    super("a function of the caller's threw", { cause: thrown });
    this.thrown = thrown;
  }
}

export async function byCaller<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new CallersError(error);
  }
}

/** As a public call throws it. */
export function toldToCaller(error: unknown): unknown {
  return error instanceof CallersError ? error.thrown : codedError(error);
}
