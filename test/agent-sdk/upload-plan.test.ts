import * as fc from "fast-check";
import { expect, test } from "vitest";
import { partRanges, planUpload } from "../../agent-sdk/src/upload-plan.ts";
import { GIB, MAX_OBJECT_BYTES, MAX_PARTS, MIB, MIN_PART_BYTES } from "../../contract/limits.ts";

const THRESHOLD = 64 * MIB;
const RULES = { multipartThreshold: THRESHOLD, signsParts: true };
const anySize = fc.oneof(
  fc.integer({ min: 1, max: 200 * MIB }),
  fc.bigInt({ min: 1n, max: BigInt(MAX_OBJECT_BYTES) }).map(Number),
);

test("a file up to the threshold goes up in one request, a larger one in 16 MiB parts", () => {
  expect(planUpload(1, RULES)).toEqual({ kind: "single", size: 1 });
  expect(planUpload(THRESHOLD, RULES).kind).toBe("single");
  expect(planUpload(THRESHOLD + 1, RULES)).toMatchObject({
    kind: "multipart",
    partSize: 16 * MIB,
    partCount: 5,
  });
  expect(planUpload(GIB, RULES)).toMatchObject({ partCount: 64 });
});

test("parts of any plan are within S3's limits, and equal but for the last", () => {
  fc.assert(
    fc.property(anySize, (size) => {
      const plan = planUpload(size, RULES);
      if (plan.kind === "single") return;
      expect(plan.partCount).toBeLessThanOrEqual(MAX_PARTS);
      expect(plan.partSize).toBeGreaterThanOrEqual(MIN_PART_BYTES);
      expect(plan.partSize % MIB).toBe(0);
      expect(plan.partCount * plan.partSize).toBeGreaterThanOrEqual(size);
      expect((plan.partCount - 1) * plan.partSize).toBeLessThan(size);
    }),
  );
});

test("the ranges of the parts cover every byte once, in order", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 700 }), (size, partSize) => {
      let next = 0;
      let number = 0;
      for (const range of partRanges({ size, partSize })) {
        expect(range.start).toBe(next);
        expect(range.number).toBe(++number);
        expect(range.end).toBeGreaterThan(range.start);
        next = range.end;
      }
      expect(next).toBe(size);
    }),
  );
});

test.each([0, -1, 1.5, Number.NaN, MAX_OBJECT_BYTES + 1])("a size of %s has no plan", (size) => {
  expect(() => planUpload(size, RULES)).toThrow(RangeError);
});
