import { getConvexSize } from "convex/values";
import fc from "fast-check";
import { expect, test } from "vitest";
import { nestingOf, sizeOf } from "../../../../local/deployment/values/size.ts";
import { arbitraryValue } from "./arbitrary-value.ts";

// The linter overflows its stack on comparing the two recursive Value types.
const officialSize = getConvexSize as (value: unknown) => number;

test("sizes are the official client's", () => {
  fc.assert(
    fc.property(arbitraryValue, (value) => {
      expect(sizeOf(value)).toBe(officialSize(value));
    }),
  );
});

test("nesting counts containers inside one another", () => {
  expect([nestingOf(1), nestingOf({}), nestingOf([[]]), nestingOf({ a: [{ b: 1 }], c: 2 })]).toEqual([
    0, 1, 2, 3,
  ]);
});
