import { compareValues as compareOfficially } from "convex/values";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { afterPrefix, compareValues, encodeKey } from "../../../../local/deployment/values/order.ts";
import type { Value } from "../../../../local/deployment/values/value.ts";
import { arbitraryKeyPart, arbitraryValue } from "./arbitrary-value.ts";

// The linter overflows its stack on comparing the two recursive Value types.
const officialOrder = compareOfficially as (a: unknown, b: unknown) => number;

const ascending: (Value | undefined)[] = [
  undefined,
  null,
  -(2n ** 63n),
  -1n,
  0n,
  2n ** 63n - 1n,
  -Infinity,
  -1,
  -0,
  0,
  Number.MIN_VALUE,
  1,
  Infinity,
  NaN,
  false,
  true,
  "",
  "\0",
  "a",
  "a\0",
  "a\u0001",
  "é",
  "\uffff",
  "\u{10000}",
  new ArrayBuffer(0),
  Uint8Array.of(0).buffer,
  Uint8Array.of(0, 0).buffer,
  Uint8Array.of(255).buffer,
  [],
  [null],
  [null, null],
  [0],
  ["z"],
  {},
  { a: null },
  { a: null, b: null },
  { a: 1 },
  { ab: null },
  { b: null },
];

describe("order of values", () => {
  test("every pair of the specified sequence compares in its order, by comparison and by key", () => {
    for (const [i, a] of ascending.entries()) {
      for (const [j, b] of ascending.entries()) {
        const expected = Math.sign(i - j);
        expect([i, j, Math.sign(compareValues(a, b))]).toEqual([i, j, expected]);
        expect([i, j, Buffer.compare(encodeKey([a]), encodeKey([b]))]).toEqual([i, j, expected]);
      }
    }
  });

  test("the comparison is the official client's", () => {
    fc.assert(
      fc.property(arbitraryKeyPart, arbitraryKeyPart, (a, b) => {
        const official = officialOrder(a, b);
        expect(Math.sign(compareValues(a, b))).toBe(Math.sign(official));
      }),
      { numRuns: 2000 },
    );
  });

  test("keys of tuples compare like the tuples", () => {
    const tuple = fc.array(arbitraryKeyPart, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(tuple, tuple, (a, b) => {
        const length = Math.min(a.length, b.length);
        let expected = 0;
        for (let i = 0; i < length && expected === 0; i++) expected = compareValues(a[i], b[i]);
        const order = Buffer.compare(encodeKey(a.slice(0, length)), encodeKey(b.slice(0, length)));
        expect(Math.sign(order)).toBe(Math.sign(expected));
      }),
      { numRuns: 2000 },
    );
  });

  test("no key is a prefix of another value's key, and the end of a prefix lies behind exactly its keys", () => {
    fc.assert(
      fc.property(arbitraryValue, arbitraryValue, arbitraryValue, (a, b, tail) => {
        const prefix = encodeKey([a]);
        const end = afterPrefix(prefix)!;
        const key = encodeKey([b, tail]);
        const inside = Buffer.compare(key, prefix) >= 0 && Buffer.compare(key, end) < 0;
        expect(inside).toBe(compareValues(a, b) === 0);
      }),
      { numRuns: 2000 },
    );
  });

  test("a key longer than the scratch buffer is whole", () => {
    const long = "x\0".repeat(50_000);
    expect(encodeKey([long]).length).toBe(1 + 50_000 * 3 + 1);
    expect(Buffer.compare(encodeKey([long]), encodeKey([`${long}y`]))).toBe(-1);
  });

  test("nothing comes after a prefix of greatest bytes", () => {
    expect(afterPrefix(Uint8Array.of(255, 255))).toBeNull();
    expect(afterPrefix(Uint8Array.of(1, 255))).toEqual(Uint8Array.of(2));
  });
});
