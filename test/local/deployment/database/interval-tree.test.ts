import fc from "fast-check";
import { expect, test } from "vitest";
import { IntervalTree } from "../../../../local/deployment/database/interval-tree.ts";

const bytes = fc.uint8Array({ max: 4, maxLength: 3 });
const action = fc.record({
  isRemoval: fc.boolean(),
  interval: fc.record({ lower: bytes, upper: fc.option(bytes, { nil: null }) }),
  watch: fc.nat({ max: 5 }),
});

test("the tree finds exactly the intervals around a key, also after removals", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 80, size: "max" }), fc.array(bytes), (actions, keys) => {
      const tree = new IntervalTree();
      const model = new Map<string, { lower: Uint8Array; upper: Uint8Array | null; watch: number }>();
      for (const { isRemoval, interval, watch } of actions) {
        const name = JSON.stringify([[...interval.lower], interval.upper && [...interval.upper], watch]);
        if (isRemoval) {
          tree.remove(interval, watch);
          model.delete(name);
        } else {
          tree.add(interval, watch);
          model.set(name, { ...interval, watch });
        }
      }
      expect(tree.isEmpty).toBe(model.size === 0);
      for (const key of keys) {
        const found = new Set<number>();
        tree.collect(key, found);
        const expected = [...model.values()].filter(
          ({ lower, upper }) => Buffer.compare(lower, key) <= 0 && (!upper || Buffer.compare(key, upper) < 0),
        );
        expect([...found].sort()).toEqual([...new Set(expected.map(({ watch }) => watch))].sort());
      }
    }),
    { numRuns: 500 },
  );
});
