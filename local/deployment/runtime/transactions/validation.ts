/** Checks arguments and results against a function's validators, in the hosted product's words. */
import type { Transaction } from "../../database/database.ts";
import { jsonToValue } from "../../values/convex-json.ts";
import type { Json } from "../../values/json.ts";
import { validate } from "../../values/validator.ts";
import type { AppFunction } from "../app.ts";
import { FunctionFailure } from "../failure.ts";

const maxBytes = 16 * 1024 * 1024;

/** `text` is a JSON array that must hold exactly one object. */
export function checkArguments(fn: AppFunction, text: string, transaction: Transaction): void {
  checkSize("arguments", text);
  const args = JSON.parse(text) as Json;
  const [only] = Array.isArray(args) ? args : [];
  if (
    !Array.isArray(args) ||
    args.length !== 1 ||
    typeof only !== "object" ||
    only === null ||
    Array.isArray(only)
  ) {
    throw new FunctionFailure("ArgumentValidationError: Expected exactly one argument, an object.");
  }
  if (acceptsAnything(fn.args)) return;
  const problem = check(fn.args, only, transaction);
  if (problem !== null) throw new FunctionFailure(`ArgumentValidationError: ${problem}`);
}

export function checkResult(fn: AppFunction, text: string, transaction: Transaction): void {
  checkSize("return value", text);
  if (acceptsAnything(fn.returns)) return;
  const problem = check(fn.returns, JSON.parse(text) as Json, transaction);
  if (problem !== null) throw new FunctionFailure(`ReturnsValidationError: ${problem}`);
}

function check(validator: Json, json: Json, transaction: Transaction): string | null {
  let value;
  try {
    value = jsonToValue(json);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return validate(validator, value, { tableOf: (id) => transaction.tableOf(id) });
}

function acceptsAnything(validator: Json): boolean {
  return (
    validator === null ||
    (typeof validator === "object" && !Array.isArray(validator) && validator.type === "any")
  );
}

function checkSize(what: string, text: string): void {
  if (text.length > maxBytes) {
    throw new FunctionFailure(
      `The function's ${what} are too large (limit: 16 MiB): ${text.length} bytes of JSON.`,
    );
  }
}
