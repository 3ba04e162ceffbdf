import fc from "fast-check";
import { expect, test } from "vitest";
import { matches } from "../../../../local/deployment/values/matcher.ts";
import { valueToJson } from "../../../../local/deployment/values/convex-json.ts";
import { explain } from "../../../../local/deployment/values/validator.ts";
import type { ValidatorJson } from "../../../../local/deployment/values/validator-json.ts";
import { arbitraryValue } from "./arbitrary-value.ts";

const field = fc.constantFrom("a", "b", "ab", "constructor", "__proto__");
const literal = arbitraryValue.filter(
  (value) => value === null || typeof value !== "object",
) as fc.Arbitrary<string>;

const arbitraryValidator = fc.letrec<{ validator: ValidatorJson }>((tie) => {
  const member = fc.record({ fieldType: tie("validator"), optional: fc.boolean() });
  return {
    validator: fc.oneof(
      { depthSize: "medium" },
      fc.record({
        type: fc.constantFrom("null", "number", "bigint", "boolean", "string", "bytes", "any", "commitTs"),
      }),
      fc.record({ type: fc.constant("id" as const), tableName: fc.constantFrom("a", "b") }),
      literal.map((value) => ({ type: "literal" as const, value: valueToJson(value) })),
      fc.record({ type: fc.constant("array" as const), value: tie("validator") }),
      fc.record({ type: fc.constant("union" as const), value: fc.array(tie("validator"), { maxLength: 4 }) }),
      fc.record({ type: fc.constant("record" as const), keys: tie("validator"), values: member }),
      fc
        .uniqueArray(fc.tuple(field, member), { maxLength: 3, selector: ([name]) => name })
        .map((fields) => ({ type: "object" as const, value: Object.fromEntries(fields) })),
    ),
  };
}).validator;

// Every text is an id of the table its first letter names.
const context = { tableOf: (id: string) => (/^[ab]/.test(id) ? id.charAt(0) : null) };

test("the quick answer and the explained one agree on every validator and value", () => {
  let fits = 0;
  fc.assert(
    fc.property(arbitraryValidator, arbitraryValue, (validator, value) => {
      const quick = matches(validator, value, context);
      if (quick) fits++;
      expect(quick).toBe(explain(validator, value, context) === null);
    }),
    { numRuns: 5000 },
  );
  expect(fits).toBeGreaterThan(100);
});
