import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRange } from "../../../local/object-store/range.ts";

const size = fc.integer({ min: 0, max: 50 });
const offset = fc.integer({ min: 0, max: 60 });

describe("byte ranges", () => {
  test("first-last selects what slice would, and nothing outside the object", () => {
    fc.assert(
      fc.property(size, offset, offset, (length, first, last) => {
        const content = Buffer.from(Array.from({ length }, (_, i) => i));
        const range = parseRange(`bytes=${first}-${last}`, length);
        if (last < first) expect(range).toEqual({ kind: "full" });
        else if (first >= length) expect(range).toEqual({ kind: "unsatisfiable" });
        else {
          expect(range.kind).toBe("partial");
          if (range.kind !== "partial") return;
          expect(content.subarray(range.start, range.end + 1)).toEqual(content.subarray(first, last + 1));
        }
      }),
    );
  });

  test("an open range runs to the end, a suffix range counts from it", () => {
    fc.assert(
      fc.property(size, offset, (length, n) => {
        const open = parseRange(`bytes=${n}-`, length);
        expect(open).toEqual(
          n < length ? { kind: "partial", start: n, end: length - 1 } : { kind: "unsatisfiable" },
        );
        const suffix = parseRange(`bytes=-${n}`, length);
        expect(suffix).toEqual(
          n > 0 && length > 0
            ? { kind: "partial", start: Math.max(0, length - n), end: length - 1 }
            : { kind: "unsatisfiable" },
        );
      }),
    );
  });

  test("anything else is ignored: the whole object is sent", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string().filter((header) => !/^\s*bytes=\d*-\d*\s*$/i.test(header)),
          fc.constantFrom(
            "bytes=-",
            "bytes=0-1,3-4",
            "bytes=1",
            "items=0-1",
            "bytes=a-b",
            "bytes=1-0",
            "bytes 0-1",
          ),
          fc.constant(undefined),
        ),
        size,
        (header, length) => {
          expect(parseRange(header, length)).toEqual({ kind: "full" });
        },
      ),
    );
  });
});
