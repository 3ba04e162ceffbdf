import fc from "fast-check";
import type { IndexRangeExpression } from "../../../../local/deployment/database/database.ts";
import { valueOrUndefinedToJson } from "../../../../local/deployment/values/convex-json.ts";
import type { Value } from "../../../../local/deployment/values/value.ts";
import { INDEXES, type NaiveQuery } from "./naive-model.ts";

/** Few values, so that ranges meet documents; the long ones differ only behind the part of a key that LMDB orders. */
const LONG = "long".repeat(400);
const values: (Value | undefined)[] = [
  undefined,
  null,
  -1n,
  1n,
  -0,
  0,
  1,
  NaN,
  false,
  true,
  "",
  "\0",
  "a",
  "\uffff",
  "\u{1f600}",
  `${LONG}a`,
  `${LONG}b`,
  `${LONG}b\0`,
  `${LONG}c`,
  Uint8Array.of(1).buffer,
  [1, "x"],
  { c: 1 },
];

const arbitraryFieldValue = fc.constantFrom(...values);

/** Contents of a document of the table `t`. */
export const arbitraryFields = fc
  .record({ a: arbitraryFieldValue, c: arbitraryFieldValue, hasB: fc.boolean() })
  .map(({ a, c, hasB }) => {
    const b = c === undefined ? {} : { c };
    return { ...(a !== undefined && { a }), ...(hasB && { b }) };
  });

const bound = fc.option(fc.tuple(fc.boolean(), arbitraryFieldValue), { nil: null });

export const arbitraryQuery: fc.Arbitrary<NaiveQuery> = fc
  .record({
    index: fc.constantFrom("by_creation_time", "by_a", "by_a_b"),
    equal: fc.array(arbitraryFieldValue, { maxLength: 2 }),
    lower: bound,
    upper: bound,
    order: fc.constantFrom("asc" as const, "desc" as const, null),
  })
  .map(({ index, equal, lower, upper, order }) => {
    const declared = INDEXES[index]!.slice(0, -2);
    const range: IndexRangeExpression[] = [];
    const add = (type: IndexRangeExpression["type"], at: number, value: Value | undefined): void => {
      range.push({ type, fieldPath: INDEXES[index]![at]!, value: valueOrUndefinedToJson(value) });
    };
    const equalities = Math.min(equal.length, declared.length);
    for (let i = 0; i < equalities; i++) add("Eq", i, equal[i]);
    if (equalities < declared.length) {
      if (lower) add(lower[0] ? "Gte" : "Gt", equalities, lower[1]);
      if (upper) add(upper[0] ? "Lte" : "Lt", equalities, upper[1]);
    }
    // Equalities may come in any order.
    return { index, range: range.reverse(), order };
  });
