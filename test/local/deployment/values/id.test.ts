import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeId, encodeId, newId, tableNumberOf } from "../../../../local/deployment/values/id.ts";

const counting = Uint8Array.from({ length: 16 }, (_, i) => i);

describe("document ids", () => {
  test("known ids have these tables and bytes", () => {
    expect(encodeId(10_001, counting)).toBe("j57000820c20a1g7104gm2rc1m70ynr8");
    expect(encodeId(1, new Uint8Array(16))).toBe("0400000000000000000000000000248");
    expect(decodeId("j57000820c20a1g7104gm2rc1m70ynr8")).toEqual({ table: 10_001, unique: counting });
    expect(tableNumberOf("k570e9j5cj1t5gf0zwf3tq3vkawxhqr0")).toBe(10_009);
  });

  test("every table number and content survives the way through text, within the lengths of ids", () => {
    const table = fc.oneof(fc.nat(), fc.constantFrom(0, 127, 128, 16_383, 16_384, 2 ** 32 - 1));
    fc.assert(
      fc.property(table, fc.uint8Array({ minLength: 16, maxLength: 16 }), (number, unique) => {
        const id = encodeId(number, unique);
        expect(id).toMatch(/^[0-9a-hjkmnp-tv-z]{31,37}$/);
        expect(decodeId(id)).toEqual({ table: number, unique });
      }),
    );
  });

  test("one changed character is noticed", () => {
    const id = newId(10_001, Date.now());
    fc.assert(
      fc.property(
        fc.nat({ max: id.length - 1 }),
        fc.constantFrom(...Array.from("0123456789abcdefghjkmnpqrstvwxyz")),
        (at, character) => {
          fc.pre(id[at] !== character);
          expect(tableNumberOf(id.slice(0, at) + character + id.slice(at + 1))).toBeNull();
        },
      ),
    );
  });

  test.each([
    ["", "Invalid ID length 0"],
    ["x".repeat(30), "Invalid ID length 30"],
    ["x".repeat(38), "Invalid ID length 38"],
    ["J57000820c20a1g7104gm2rc1m70ynr8", "Invalid character 'J'"],
    ["j57000820c20a1g7104gm2rc1m70ynré", "Invalid character 'é'"],
    ["0400000000000000000000000000249", "canonical"],
    ["j57000820c20a1g7104gm2rc1m70ynr0", "checksum"],
    ["z".repeat(32), "Unable to decode ID"],
  ])("%j is refused: %s", (text, message) => {
    expect(() => decodeId(text)).toThrow(message);
  });

  test("ids made at one time differ, end with the day, and keep their table", () => {
    const day = 20_000;
    const ids = Array.from({ length: 100 }, () => newId(10_001, day * 86_400_000 + 5));
    expect(new Set(ids).size).toBe(100);
    for (const id of ids) {
      const { table, unique } = decodeId(id);
      expect([table, (unique[14]! << 8) | unique[15]!]).toEqual([10_001, day]);
    }
  });
});
