/**
 * Validators compiled to functions that only say yes or no. Nearly every value fits, so this is what is asked of each one;
 * `validator.ts` finds the words when the answer is no, and the two must agree.
 */
import { jsonToValue } from "./convex-json.ts";
import { compareValues } from "./order.ts";
import type { ValidatorJson } from "./validator-json.ts";
import type { Value } from "./value.ts";

export interface ValidationContext {
  /** The table an id belongs to, or null for text that is no id and for ids of unknown tables. */
  tableOf(id: string): string | null;
}

type Matcher = (value: Value, context: ValidationContext) => boolean;

const compiled = new WeakMap<ValidatorJson, Matcher>();

export function matches(validator: ValidatorJson, value: Value, context: ValidationContext): boolean {
  let matcher = compiled.get(validator);
  if (!matcher) compiled.set(validator, (matcher = compile(validator)));
  return matcher(value, context);
}

function compile(validator: ValidatorJson): Matcher {
  switch (validator.type) {
    case "any":
      return () => true;
    case "null":
      return (value) => value === null;
    case "bytes":
      return (value) => value instanceof ArrayBuffer;
    case "string":
    case "number":
    case "boolean":
    case "bigint":
      return typeIs(validator.type);
    case "commitTs":
      return typeIs("bigint");
    case "id":
      return (value, context) => typeof value === "string" && context.tableOf(value) === validator.tableName;
    case "literal": {
      const literal = jsonToValue(validator.value);
      if (typeof literal === "string") return (value) => value === literal;
      return (value) => compareValues(literal, value) === 0;
    }
    case "array": {
      const element = compile(validator.value);
      return (value, context) => {
        if (!Array.isArray(value)) return false;
        for (const member of value) if (!element(member, context)) return false;
        return true;
      };
    }
    case "union":
      return compileUnion(validator.value);
    case "record": {
      const keys = compile(validator.keys);
      const values = compile(validator.values.fieldType);
      return (value, context) =>
        isObject(value) &&
        Object.entries(value).every(([key, member]) => keys(key, context) && values(member, context));
    }
    case "object":
      return compileObject(validator);
    default:
      // A later client library's, of which nothing is known.
      return () => false;
  }
}

function typeIs(type: "string" | "number" | "boolean" | "bigint"): Matcher {
  return (value) => typeof value === type;
}

function compileUnion(members: ValidatorJson[]): Matcher {
  const literals = new Set<Value>();
  const others: Matcher[] = [];
  for (const member of members) {
    if (member.type === "literal" && typeof member.value === "string") literals.add(member.value);
    else others.push(compile(member));
  }
  return (value, context) => {
    if (typeof value === "string" && literals.has(value)) return true;
    for (const matcher of others) if (matcher(value, context)) return true;
    return false;
  };
}

function compileObject(validator: Extract<ValidatorJson, { type: "object" }>): Matcher {
  const fields = new Map<string, { matcher: Matcher; optional: boolean }>();
  let required = 0;
  for (const [name, { fieldType, optional }] of Object.entries(validator.value)) {
    fields.set(name, { matcher: compile(fieldType), optional });
    if (!optional) required++;
  }
  return (value, context) => {
    if (!isObject(value)) return false;
    let missing = required;
    for (const name of Object.keys(value)) {
      const member = value[name];
      if (member === undefined) continue;
      const field = fields.get(name);
      if (!field?.matcher(member, context)) return false;
      if (!field.optional) missing--;
    }
    return missing === 0;
  };
}

function isObject(value: Value): value is Record<string, Value> {
  return (
    value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof ArrayBuffer)
  );
}
