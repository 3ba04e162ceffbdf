/** Answers of the calls that carry many items at once: one for each item, in the order of the items. */
import type { ErrorCode } from "./error-code.ts";

/** A refused item is told as its own call would have been, and leaves the others as they are. */
export type ItemOutcome<Answer> = ({ ok: true } & Answer) | { ok: false; code: ErrorCode; message: string };
