import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KeyIndex, type ListPage, type ListQuery } from "../../../local/object-store/key-index.ts";

/** Few characters, so that prefixes, delimiters and neighbours of the surrogate range meet. */
const key = fc
  .array(fc.constantFrom("a", "b", "/", "//", ".", "\u0001", "é", "\ue000", "\uffff", "😀", "\u{10ffff}"), {
    minLength: 1,
    maxLength: 5,
  })
  .map((pieces) => pieces.join(""));

const bytes = (text: string): Buffer => Buffer.from(text, "utf8");
const byBytes = (a: string, b: string): number => bytes(a).compare(bytes(b));

/** The specification of a listing, one line a rule, without any cleverness. */
function naiveList(all: Iterable<string>, query: ListQuery): ListPage<string> {
  const { prefix = "", delimiter = "", after = "", limit } = query;
  const names = new Map<string, "key" | "prefix">();
  for (const each of [...all].sort(byBytes)) {
    if (!each.startsWith(prefix)) continue;
    const at = delimiter === "" ? -1 : each.indexOf(delimiter, prefix.length);
    const common = at === -1 ? undefined : each.slice(0, at + delimiter.length);
    if (common === after && after !== "") continue;
    if (after !== "" && byBytes(each, after) <= 0) continue;
    names.set(common ?? each, common === undefined ? "key" : "prefix");
  }
  const items = [...names].map(([name, kind]) =>
    kind === "key" ? { kind, key: name, value: `value of ${name}` } : { kind, prefix: name },
  );
  return { items: items.slice(0, limit), isTruncated: limit > 0 && items.length > limit };
}

function indexOf(keys: Iterable<string>): KeyIndex<string> {
  const index = new KeyIndex<string>();
  for (const each of keys) index.set(each, `value of ${each}`);
  return index;
}

describe("key index", () => {
  test("lists like a naive walk over the keys sorted by their UTF-8 bytes", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(key, { maxLength: 40 }),
        fc.record({
          prefix: fc.oneof(fc.constant(""), key),
          delimiter: fc.constantFrom("", "/", "//", "a", "😀"),
          after: fc.oneof(fc.constant(""), key),
          limit: fc.integer({ min: 0, max: 10 }),
        }),
        (keys, query) => {
          expect(indexOf(keys).list(query)).toEqual(naiveList(keys, query));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("pages, followed to the end, give every name once", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(key, { maxLength: 40 }),
        fc.constantFrom("", "/", "a"),
        fc.integer({ min: 1, max: 4 }),
        (keys, delimiter, limit) => {
          const index = indexOf(keys);
          const names: string[] = [];
          for (let after = "", more = true; more;) {
            const page = index.list({ delimiter, after, limit });
            names.push(...page.items.map((item) => (item.kind === "key" ? item.key : item.prefix)));
            after = names.at(-1) ?? "";
            more = page.isTruncated;
          }
          const whole = naiveList(keys, { delimiter, limit: 1000 }).items;
          expect(names).toEqual(whole.map((item) => (item.kind === "key" ? item.key : item.prefix)));
        },
      ),
    );
  });

  test("agrees with a Map after any sequence of sets and deletes", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom("set", "delete"), key), { maxLength: 200 }), (steps) => {
        const index = new KeyIndex<number>();
        const model = new Map<string, number>();
        steps.forEach(([step, each], at) => {
          if (step === "set") {
            index.set(each, at);
            model.set(each, at);
          } else {
            expect(index.delete(each)).toBe(model.delete(each));
          }
        });
        expect(index.size).toBe(model.size);
        expect([...index.entries()]).toEqual([...model].sort(([a], [b]) => byBytes(a, b)));
        for (const [each, value] of model) expect(index.get(each)).toBe(value);
      }),
    );
  });

  test("stays in order beyond the size of one run, and a folder costs one step to skip", () => {
    const index = new KeyIndex<number>();
    const count = 20_000;
    for (let i = 0; i < count; i++) index.set(`folder/${String((i * 7919) % count).padStart(6, "0")}`, i);
    index.set("last", 0);
    expect([...index.entries()].map(([each]) => each).slice(0, 2)).toEqual([
      "folder/000000",
      "folder/000001",
    ]);
    const grouped = index.list({ delimiter: "/", limit: 10 });
    expect(grouped.items).toEqual([
      { kind: "prefix", prefix: "folder/" },
      { kind: "key", key: "last", value: 0 },
    ]);
    for (let i = 0; i < count; i++) index.delete(`folder/${String(i).padStart(6, "0")}`);
    expect(index.size).toBe(1);
  });
});
