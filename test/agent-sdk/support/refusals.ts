import { expect } from "vitest";
import { isReelsyncError } from "reelsync";
import type { ErrorCode } from "../../../contract/error-code.ts";
import type { Studio } from "./studio.ts";

/** A plain coded error with its fix, no dead letter, and not one row or object more or less than before. */
export function refusals(studio: Studio) {
  return async (code: ErrorCode, work: () => Promise<unknown>): Promise<Error> => {
    const before = await studio.snapshot();
    const error = await work().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!isReelsyncError(error)) throw new Error(`expected ${code}, got ${String(error)}`);
    expect(error.code).toBe(code);
    expect(error.message).toContain(error.hint);
    expect(error.deadLetter).toBeUndefined();
    expect(await studio.snapshot()).toEqual(before);
    return error;
  };
}
