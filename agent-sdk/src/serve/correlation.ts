/** The id by which one request is found again in events, logs and records. */
import * as z from "zod";

export const CORRELATION_HEADER = "x-correlation-id";

/** Printable ASCII without spaces, because it travels in headers. */
export const correlationIdSchema = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, "expected 1 to 128 printable ASCII characters without spaces");
