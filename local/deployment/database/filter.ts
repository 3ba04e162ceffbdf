/** Filter expressions, compiled once per query into functions of a document. */
import { jsonToValueOrUndefined } from "../values/convex-json.ts";
import type { Json } from "../values/json.ts";
import { compareValues } from "../values/order.ts";
import { showValue } from "../values/validator-text.ts";
import type { Value } from "../values/value.ts";
import { DatabaseError, type Document } from "./database.ts";
import { fieldAt } from "./index-key.ts";

type Operand = Value | undefined;
type Expression = (document: Document) => Operand;

export function compileFilter(json: Json): (document: Document) => boolean {
  const expression = compile(json);
  return (document) => asBoolean(expression(document));
}

const COMPARISONS: Record<string, (order: number) => boolean> = {
  $eq: (order) => order === 0,
  $neq: (order) => order !== 0,
  $lt: (order) => order < 0,
  $lte: (order) => order <= 0,
  $gt: (order) => order > 0,
  $gte: (order) => order >= 0,
};

const ARITHMETIC: Record<
  string,
  { int64: (a: bigint, b: bigint) => bigint; float64: (a: number, b: number) => number }
> = {
  $add: { int64: (a, b) => a + b, float64: (a, b) => a + b },
  $sub: { int64: (a, b) => a - b, float64: (a, b) => a - b },
  $mul: { int64: (a, b) => a * b, float64: (a, b) => a * b },
  $div: { int64: (a, b) => a / b, float64: (a, b) => a / b },
  $mod: { int64: (a, b) => a % b, float64: (a, b) => a % b },
};

function compile(json: Json): Expression {
  const entries =
    json !== null && typeof json === "object" && !Array.isArray(json) ? Object.entries(json) : [];
  const [entry] = entries;
  if (!entry || entries.length !== 1) throw malformed(json);
  const [operator, operand] = entry;
  const holds = COMPARISONS[operator];
  if (holds) {
    const [a, b] = compilePair(operand);
    return (document) => holds(compareValues(a(document), b(document)));
  }
  if (operator in ARITHMETIC) {
    const [a, b] = compilePair(operand);
    return (document) => calculate(operator, a(document), b(document));
  }
  switch (operator) {
    case "$literal": {
      const value = jsonToValueOrUndefined(operand);
      return () => value;
    }
    case "$field": {
      if (typeof operand !== "string") throw malformed(json);
      const path = operand.split(".");
      return (document) => fieldAt(document, path);
    }
    case "$and": {
      const terms = compileAll(operand);
      return (document) => terms.every((term) => asBoolean(term(document)));
    }
    case "$or": {
      const terms = compileAll(operand);
      return (document) => terms.some((term) => asBoolean(term(document)));
    }
    case "$not": {
      const term = compile(operand);
      return (document) => !asBoolean(term(document));
    }
    case "$neg": {
      const term = compile(operand);
      return (document) => negate(term(document));
    }
    default:
      throw malformed(json);
  }
}

function compileAll(operands: Json): Expression[] {
  if (!Array.isArray(operands)) throw malformed(operands);
  return operands.map(compile);
}

function compilePair(operands: Json): [Expression, Expression] {
  const [a, b, ...rest] = compileAll(operands);
  if (!a || !b || rest.length > 0) throw malformed(operands);
  return [a, b];
}

function calculate(operator: string, a: Operand, b: Operand): Operand {
  const { int64, float64 } = ARITHMETIC[operator]!;
  if (typeof a === "number" && typeof b === "number") return float64(a, b);
  if (typeof a === "bigint" && typeof b === "bigint") {
    if (b === 0n && (operator === "$div" || operator === "$mod")) {
      throw new DatabaseError(`Cannot divide ${showValue(a)} by zero in a filter.`);
    }
    return checkInt64(int64(a, b));
  }
  throw new DatabaseError(
    `Cannot apply ${operator} to ${describe(a)} and ${describe(b)} in a filter: both must be int64 or both float64.`,
  );
}

function negate(value: Operand): Operand {
  if (typeof value === "number") return -value;
  if (typeof value === "bigint") return checkInt64(-value);
  throw new DatabaseError(`Cannot negate ${describe(value)} in a filter: it must be an int64 or a float64.`);
}

function checkInt64(value: bigint): bigint {
  if (BigInt.asIntN(64, value) === value) return value;
  throw new DatabaseError(`The result ${value} of a filter's arithmetic does not fit into an int64.`);
}

function asBoolean(value: Operand): boolean {
  if (typeof value === "boolean") return value;
  throw new DatabaseError(`Cannot use ${describe(value)} as a Boolean`);
}

function describe(value: Operand): string {
  return `value ${showValue(value)} (type ${typeName(value)})`;
}

function typeName(value: Operand): string {
  if (value === null) return "Null";
  switch (typeof value) {
    case "undefined":
      return "Undefined";
    case "bigint":
      return "Int64";
    case "number":
      return "Float64";
    case "boolean":
      return "Boolean";
    case "string":
      return "String";
    default:
      if (value instanceof ArrayBuffer) return "Bytes";
      return Array.isArray(value) ? "Array" : "Object";
  }
}

function malformed(json: Json): DatabaseError {
  return new DatabaseError(`Malformed filter expression ${JSON.stringify(json)}.`);
}
