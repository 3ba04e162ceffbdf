import fc from "fast-check";
import type { Value } from "../../../../local/deployment/values/value.ts";

/** Neighbours in the order and in the encoding: zero bytes, surrogates against U+E000, signed zeros, type borders. */
const awkwardStrings = [
  "",
  "\0",
  "a",
  "a\0",
  "a\0b",
  "a\u0001",
  "b",
  "\ue000",
  "\uffff",
  "\u{10000}",
  "\u{1f600}",
  "é",
  "ÿ",
];
const awkwardNumbers = [
  0,
  -0,
  1,
  -1,
  1.5,
  NaN,
  Infinity,
  -Infinity,
  Number.MIN_VALUE,
  -Number.MIN_VALUE,
  2 ** 53,
];
const awkwardIntegers = [0n, 1n, -1n, 255n, 256n, -256n, 2n ** 63n - 1n, -(2n ** 63n)];

const fieldName = fc.constantFrom("a", "b", "ab", "A", "_x", "a b", "~", "__proto__", "constructor");

const text = fc.oneof(fc.constantFrom(...awkwardStrings), fc.string({ unit: "grapheme", maxLength: 6 }));
const bytes = fc.uint8Array({ maxLength: 4 }).map((array): ArrayBuffer => Uint8Array.from(array).buffer);

export const arbitraryValue: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.constantFrom(...awkwardIntegers),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.constantFrom(...awkwardNumbers),
    fc.double(),
    text,
    bytes,
    fc.array(tie("value"), { maxLength: 3 }),
    fc
      .uniqueArray(fc.tuple(fieldName, tie("value")), { maxLength: 3, selector: ([name]) => name })
      .map((fields): Value => Object.fromEntries(fields)),
  ),
})).value;

export const arbitraryKeyPart: fc.Arbitrary<Value | undefined> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(undefined) },
  { weight: 9, arbitrary: arbitraryValue },
);
