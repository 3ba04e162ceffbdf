import { convexToJson, jsonToConvex } from "convex/values";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  jsonToPatch,
  jsonToValue,
  jsonToValueOrUndefined,
  reviveTrustedJson,
  valueToJson,
} from "../../../../local/deployment/values/convex-json.ts";
import type { Json } from "../../../../local/deployment/values/json.ts";
import { compareValues } from "../../../../local/deployment/values/order.ts";
import type { Value } from "../../../../local/deployment/values/value.ts";
import { arbitraryValue } from "./arbitrary-value.ts";

// The linter overflows its stack on comparing the two recursive Value types.
const readOfficially = jsonToConvex as (json: unknown) => Value;
const writeOfficially = convexToJson as (value: unknown) => Json;

describe("Convex JSON", () => {
  test("values survive the way out and back, through text", () => {
    fc.assert(
      fc.property(arbitraryValue, (value) => {
        const back = jsonToValue(JSON.parse(JSON.stringify(valueToJson(value))) as Json);
        expect(compareValues(back, value)).toBe(0);
        const trusted = reviveTrustedJson(JSON.parse(JSON.stringify(valueToJson(value))) as Json);
        expect(compareValues(trusted, value)).toBe(0);
      }),
    );
  });

  test("the official client reads what we write and writes what we read", () => {
    // The client's own writer loses a field called __proto__.
    const withoutProto = arbitraryValue.filter(
      (value) => !JSON.stringify(valueToJson(value)).includes("__proto__"),
    );
    fc.assert(
      fc.property(withoutProto, (value) => {
        expect(compareValues(readOfficially(valueToJson(value)), value)).toBe(0);
        expect(compareValues(jsonToValue(writeOfficially(value)), value)).toBe(0);
      }),
    );
  });

  test("tags spell out what plain JSON cannot", () => {
    expect(valueToJson(-2n)).toEqual({ $integer: "/v////////8=" });
    expect(valueToJson(-0)).toEqual({ $float: "AAAAAAAAAIA=" });
    expect(valueToJson(Uint8Array.of(1, 2).buffer)).toEqual({ $bytes: "AQI=" });
    expect(jsonToValue({ $float: "AAAAAAAA8H8=" })).toBe(Infinity);
  });

  test("a field that is undefined is left out", () => {
    expect(valueToJson({ a: 1, b: undefined } as never)).toEqual({ a: 1 });
  });

  test("undefined is spelled only where a missing field can be meant", () => {
    expect(jsonToValueOrUndefined({ $undefined: null })).toBeUndefined();
    expect(jsonToPatch({ a: { $undefined: null }, b: 1 })).toEqual({ a: undefined, b: 1 });
    expect(() => jsonToValue({ a: { $undefined: null } })).toThrow("undefined is not a valid Convex value");
  });

  test.each<[string, Json, string]>([
    ["an ordinary number as $float", { $float: "AAAAAAAA8D8=" }, "must be written as plain JSON"],
    ["too few bytes of $integer", { $integer: "AAAA" }, "Malformed $integer"],
    ["$bytes that is not base64", { $bytes: "a*b" }, "Malformed $bytes"],
    ["$bytes that is not text", { $bytes: 1 }, "Malformed $bytes"],
    ["a historical set", { $set: [] }, "Set is not a Convex type"],
    ["a tag nobody knows", { $x: 1 }, "starts with a '$'"],
    ["a reserved field name beside others", { $integer: "AAAAAAAAAAA=", b: 1 }, "starts with a '$'"],
    ["a field name beyond ASCII", { é: 1 }, "invalid character"],
    ["a field name of 1025 characters", { ["a".repeat(1025)]: 1 }, "exceeds maximum field name length"],
    ["a lone surrogate", "a\ud800", "lone surrogate"],
    ["8193 elements", Array.from({ length: 8193 }, () => 0), "Array length is too long"],
    [
      "1025 fields",
      Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`f${i}`, 0])),
      "too many fields",
    ],
    ["nesting of 65", JSON.parse("[".repeat(65) + "]".repeat(65)) as Json, "nested too deeply"],
  ])("%s is refused", (_, json, message) => {
    expect(() => jsonToValue(json)).toThrow(message);
  });

  test("nesting of 64 and integers at both ends are accepted", () => {
    expect(jsonToValue(JSON.parse("[".repeat(64) + "]".repeat(64)) as Json)).toBeDefined();
    expect(jsonToValue(valueToJson(2n ** 63n - 1n))).toBe(2n ** 63n - 1n);
    expect(() => valueToJson(2n ** 63n)).toThrow("does not fit into a 64-bit signed integer");
  });
});
