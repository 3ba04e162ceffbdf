/**
 * From the range expressions of a query to an interval of index keys: equalities on a prefix of the index's fields,
 * then at most one lower and one upper bound on the next field.
 */
import { jsonToValueOrUndefined } from "../values/convex-json.ts";
import { afterPrefix, encodeKey } from "../values/order.ts";
import { showValue } from "../values/validator-text.ts";
import type { Value } from "../values/value.ts";
import { concatBytes } from "./bytes.ts";
import type { Index } from "./catalog.ts";
import { DatabaseError, type IndexRangeExpression } from "./database.ts";
import type { Interval } from "./index-scan.ts";

interface Bound {
  field: string;
  value: Value | undefined;
  inclusive: boolean;
}

interface Range {
  equal: Map<string, Value | undefined>;
  lower: Bound | null;
  upper: Bound | null;
}

const SIGN = { Eq: "==", Gt: ">", Gte: ">=", Lt: "<", Lte: "<=" } as const;

/** Null for a range that nothing can be in. */
export function compileRange(index: Index, expressions: readonly IndexRangeExpression[]): Interval | null {
  const range = collect(index, expressions);
  checkOrder(index, expressions, range);
  const prefix = encodeKey(index.fields.slice(0, range.equal.size).map((field) => range.equal.get(field)));
  const bound = ({ value }: Bound): Uint8Array => concatBytes(prefix, encodeKey([value]));
  const lower = range.lower
    ? range.lower.inclusive
      ? bound(range.lower)
      : afterPrefix(bound(range.lower))!
    : prefix;
  const upper = range.upper
    ? range.upper.inclusive
      ? afterPrefix(bound(range.upper))
      : bound(range.upper)
    : afterPrefix(prefix);
  return upper && Buffer.compare(lower, upper) >= 0 ? null : { lower, upper };
}

function collect(index: Index, expressions: readonly IndexRangeExpression[]): Range {
  const range: Range = { equal: new Map(), lower: null, upper: null };
  for (const expression of expressions) {
    const { type, fieldPath: field } = expression;
    const value = jsonToValueOrUndefined(expression.value);
    if (!index.fields.includes(field)) {
      throw new DatabaseError(
        `The index range includes a comparison with "${field}", but the index ${fullName(index)} only indexes ` +
          `the fields ${list(index.fields)}. Add the field to the index or use \`filter\`.`,
      );
    }
    if (type === "Eq") {
      if (range.equal.has(field)) throw alreadyDefined("equality", field, type, value);
      range.equal.set(field, value);
      continue;
    }
    const side = type === "Gt" || type === "Gte" ? "lower" : "upper";
    if (range[side]) throw alreadyDefined(side, field, type, value);
    range[side] = { field, value, inclusive: type === "Gte" || type === "Lte" };
  }
  return range;
}

function checkOrder(index: Index, expressions: readonly IndexRangeExpression[], range: Range): void {
  const { equal, lower, upper } = range;
  if (lower && upper && lower.field !== upper.field) {
    throw new DatabaseError(
      `Upper and lower bounds can only be applied to a single index field. This query against index ` +
        `${fullName(index)} attempted to set a range bound on both "${lower.field}" and "${upper.field}". ` +
        "Use `filter` for one of them.",
    );
  }
  const bounded = (lower ?? upper)?.field;
  const used = [...equal.keys()].sort((a, b) => index.fields.indexOf(a) - index.fields.indexOf(b));
  if (bounded !== undefined) used.push(bounded);
  const wrong = used.findIndex((field, i) => index.fields[i] !== field);
  if (wrong < 0) return;
  throw new DatabaseError(
    `Tried to query index ${fullName(index)} but the query didn't use the index fields in order.\n\n` +
      `Index fields: ${list(index.fields)}\n` +
      `Query fields: ${list(expressions.map(({ fieldPath }) => fieldPath))}\n` +
      `First incorrect field: "${used[wrong]!}"`,
  );
}

function alreadyDefined(
  kind: "equality" | "lower" | "upper",
  field: string,
  type: IndexRangeExpression["type"],
  value: Value | undefined,
): DatabaseError {
  return new DatabaseError(
    `Already defined ${kind} bound in index range. Can't add "${field}" ${SIGN[type]} ${showValue(value)}.`,
  );
}

function fullName(index: Index): string {
  return `${index.table.name}.${index.name}`;
}

function list(fields: readonly string[]): string {
  return JSON.stringify(fields);
}
