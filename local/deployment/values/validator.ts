/**
 * Checks a value against a validator's JSON (`v.object({…})` as functions and schemas export it) and says in the
 * backend's words what is wrong. Serves arguments, results and documents alike.
 */
import type { Json } from "./json.ts";
import { jsonToValue } from "./convex-json.ts";
import { matches, type ValidationContext } from "./matcher.ts";
import { compareValues } from "./order.ts";
import { showValidator, showValue } from "./validator-text.ts";
import type { ValidatorJson } from "./validator-json.ts";
import type { Value } from "./value.ts";

/** Null when the value fits, otherwise the whole error text (without a prefix such as `ArgumentValidationError:`). */
export function validate(validator: Json, value: Value, context: ValidationContext): string | null {
  const typed = validator as unknown as ValidatorJson;
  return matches(typed, value, context) ? null : explain(typed, value, context);
}

/** The same answer, found the long way. */
export function explain(validator: ValidatorJson, value: Value, context: ValidationContext): string | null {
  return check(validator, value, context, "");
}

function check(
  validator: ValidatorJson,
  value: Value,
  context: ValidationContext,
  path: string,
): string | null {
  switch (validator.type) {
    case "any":
      return null;
    case "id":
      return checkId(validator, value, context, path);
    case "literal":
      return compareValues(jsonToValue(validator.value), value) === 0
        ? null
        : `\`${showValue(value)}\` does not match literal validator \`${showValidator(validator)}\`.${pathLine(path)}`;
    case "array": {
      if (!Array.isArray(value)) break;
      for (let i = 0; i < value.length; i++) {
        const problem = check(validator.value, value[i]!, context, `${path}[${i}]`);
        if (problem !== null) return problem;
      }
      return null;
    }
    case "object":
      if (!isObject(value)) break;
      return checkObject(validator, value, context, path);
    case "record": {
      if (!isObject(value)) break;
      for (const [key, member] of Object.entries(value)) {
        const problem =
          check(validator.keys, key, context, `${path}.keys()`) ??
          check(validator.values.fieldType, member, context, `${path}.values()`);
        if (problem !== null) return problem;
      }
      return null;
    }
    case "union": {
      const [only] = validator.value;
      if (validator.value.length === 1) return check(only!, value, context, path);
      if (validator.value.some((member) => check(member, value, context, path) === null)) return null;
      break;
    }
    default:
      if (scalarTypeOf(value) === (validator.type === "commitTs" ? "bigint" : validator.type)) return null;
  }
  return `Value does not match validator.${details(path, "Value", value, validator)}`;
}

function checkObject(
  validator: Extract<ValidatorJson, { type: "object" }>,
  value: Record<string, Value>,
  context: ValidationContext,
  path: string,
): string | null {
  let present = 0;
  for (const field of Object.keys(validator.value).sort()) {
    const { fieldType, optional } = validator.value[field]!;
    const member = Object.hasOwn(value, field) ? value[field] : undefined;
    if (member !== undefined) {
      present++;
      const problem = check(fieldType, member, context, `${path}.${field}`);
      if (problem !== null) return problem;
    } else if (!optional) {
      return (
        `Object is missing the required field \`${field}\`. Consider wrapping the field validator in ` +
        `\`v.optional(...)\` if this is expected.${details(path, "Object", value, validator)}`
      );
    }
  }
  const fields = Object.keys(value).filter((field) => value[field] !== undefined);
  if (fields.length === present) return null;
  const extra = fields.sort().find((field) => !Object.hasOwn(validator.value, field))!;
  return (
    `Object contains extra field \`${extra}\` that is not in the validator.` +
    details(path, "Object", value, validator)
  );
}

function checkId(
  validator: Extract<ValidatorJson, { type: "id" }>,
  value: Value,
  context: ValidationContext,
  path: string,
): string | null {
  const table = typeof value === "string" ? context.tableOf(value) : null;
  if (table === validator.tableName) return null;
  if (table === null) return `Value does not match validator.${details(path, "Value", value, validator)}`;
  const from = table.startsWith("_") ? "a system table" : `table \`${table}\``;
  return (
    `Found ID ${showValue(value)} from ${from}, which does not match the table name in validator ` +
    `\`${showValidator(validator)}\`.${pathLine(path)}`
  );
}

function scalarTypeOf(value: Value): string {
  if (value === null) return "null";
  if (value instanceof ArrayBuffer) return "bytes";
  return typeof value;
}

function isObject(value: Value): value is Record<string, Value> {
  return (
    value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof ArrayBuffer)
  );
}

function details(path: string, label: "Object" | "Value", value: Value, validator: ValidatorJson): string {
  const where = path === "" ? "" : `Path: ${path}`;
  return `\n${where}\n${label}: ${showValue(value)}\nValidator: ${showValidator(validator)}`;
}

function pathLine(path: string): string {
  return path === "" ? "" : `\nPath: ${path}`;
}
