/** Failures of a function as its developer reads them, and how anything thrown becomes one. */
import { DatabaseError } from "../database/database.ts";
import { ValueError } from "../values/convex-json.ts";
import type { Json } from "../values/json.ts";

/** The message is shown to the developer as it is. */
export class FunctionFailure extends Error {
  override name = "FunctionFailure";
  constructor(
    message: string,
    /** Convex JSON of a ConvexError's data. */
    readonly data?: Json,
  ) {
    super(message);
  }
}

const convexErrorMark = Symbol.for("ConvexError");

function isConvexError(thrown: unknown): thrown is { data: unknown; message?: unknown } {
  return typeof thrown === "object" && thrown !== null && convexErrorMark in thrown;
}

/** What the engine itself raised for the developer, without a stack: it would be the engine's. */
export function refusalOf(thrown: unknown): FunctionFailure | null {
  if (thrown instanceof FunctionFailure) return thrown;
  if (thrown instanceof DatabaseError) return new FunctionFailure(thrown.message, thrown.data);
  return thrown instanceof ValueError ? new FunctionFailure(thrown.message) : null;
}

/** `frames` turns the stack of an Error into lines worth showing, or "". */
export function failureOf(thrown: unknown, frames: (stack: string) => string): FunctionFailure {
  const refusal = refusalOf(thrown);
  if (refusal) return refusal;
  const stack = thrown instanceof Error && typeof thrown.stack === "string" ? frames(thrown.stack) : "";
  if (isConvexError(thrown)) {
    // The client library's wrapper left the data as JSON text.
    const text = typeof thrown.data === "string" ? thrown.data : "null";
    return new FunctionFailure(`Uncaught ConvexError: ${messageOf(thrown)}${stack}`, parseData(text));
  }
  if (thrown instanceof Error)
    return new FunctionFailure(`Uncaught ${nameOf(thrown)}: ${messageOf(thrown)}${stack}`);
  return new FunctionFailure(`Uncaught ${describe(thrown)}`);
}

function parseData(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function nameOf(error: Error): string {
  return typeof error.name === "string" && error.name !== "" ? error.name : "Error";
}

function messageOf(error: { message?: unknown }): string {
  return typeof error.message === "string" ? error.message : describe(error.message);
}

function describe(value: unknown): string {
  try {
    return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
  } catch {
    return "a value that cannot be shown";
  }
}
