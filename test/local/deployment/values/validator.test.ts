import { v, type GenericValidator } from "convex/values";
import { describe, expect, test } from "vitest";
import { encodeId } from "../../../../local/deployment/values/id.ts";
import type { Json } from "../../../../local/deployment/values/json.ts";
import { validate } from "../../../../local/deployment/values/validator.ts";
import type { Value } from "../../../../local/deployment/values/value.ts";

const userId = encodeId(10_001, new Uint8Array(16));
const postId = encodeId(10_002, new Uint8Array(16));
const fileId = encodeId(512, new Uint8Array(16));
const tables: Record<string, string> = { [userId]: "users", [postId]: "posts", [fileId]: "_storage" };

function check(validator: GenericValidator, value: Value): string | null {
  const json = (validator as unknown as { json: Json }).json;
  return validate(json, value, { tableOf: (id) => tables[id] ?? null });
}

const message = v.object({
  body: v.string(),
  author: v.id("users"),
  tags: v.optional(v.array(v.union(v.literal("a"), v.literal("b")))),
  counts: v.optional(v.record(v.string(), v.int64())),
});

describe("validators", () => {
  test.each<[GenericValidator, Value]>([
    [v.null(), null],
    [v.number(), 1.5],
    [v.float64(), NaN],
    [v.int64(), 3n],
    [v.boolean(), false],
    [v.string(), ""],
    [v.bytes(), new ArrayBuffer(2)],
    [v.any(), [{ a: 1n }]],
    [v.id("users"), userId],
    [v.id("_storage"), fileId],
    [v.literal(1n), 1n],
    [v.array(v.null()), []],
    [v.record(v.id("users"), v.number()), { [userId]: 1 }],
    [v.union(v.null(), v.string()), "x"],
    [message, { body: "x", author: userId }],
    [message, { body: "x", author: userId, tags: ["a", "b"], counts: { x: 1n } }],
    [v.object({ a: v.optional(v.number()) }), { a: undefined } as unknown as Value],
  ])("case %# fits: %o", (validator, value) => {
    expect(check(validator, value)).toBeNull();
  });

  test.each<[string, GenericValidator, Value, string]>([
    [
      "an extra field",
      v.object({ body: v.string() }),
      { body: "x", extra: 1 },
      "Object contains extra field `extra` that is not in the validator.\n\n" +
        'Object: {body: "x", extra: 1.0}\nValidator: v.object({body: v.string()})',
    ],
    [
      "a missing field",
      v.object({ body: v.string(), n: v.optional(v.int64()) }),
      {},
      "Object is missing the required field `body`. Consider wrapping the field validator in `v.optional(...)` if " +
        "this is expected.\n\nObject: {}\nValidator: v.object({body: v.string(), n: v.optional(v.int64())})",
    ],
    [
      "a wrong type deep inside",
      v.object({ list: v.array(v.object({ n: v.number() })) }),
      { list: [{ n: 1 }, { n: 2n }] },
      "Value does not match validator.\nPath: .list[1].n\nValue: 2n\nValidator: v.float64()",
    ],
    [
      "an id of another table",
      v.object({ author: v.id("users") }),
      { author: postId },
      `Found ID "${postId}" from table \`posts\`, which does not match the table name in validator ` +
        '`v.id("users")`.\nPath: .author',
    ],
    [
      "an id of a system table",
      v.id("users"),
      fileId,
      `Found ID "${fileId}" from a system table, which does not match the table name in validator \`v.id("users")\`.`,
    ],
    [
      "text that is no id",
      v.id("users"),
      "nobody",
      'Value does not match validator.\n\nValue: "nobody"\nValidator: v.id("users")',
    ],
    ["another literal", v.literal("a"), "b", '`"b"` does not match literal validator `v.literal("a")`.'],
    [
      "a float for an integer literal",
      v.literal(1n),
      1,
      "`1.0` does not match literal validator `v.literal(<bigint>)`.",
    ],
    [
      "none of a union",
      v.object({ k: v.union(v.literal("a"), v.null()) }),
      { k: true },
      'Value does not match validator.\nPath: .k\nValue: true\nValidator: v.union(v.literal("a"), v.null())',
    ],
    [
      "the only member of a union",
      v.union(v.object({ a: v.number() })),
      {},
      "Object is missing the required field `a`. Consider wrapping the field validator in `v.optional(...)` if this " +
        "is expected.\n\nObject: {}\nValidator: v.object({a: v.float64()})",
    ],
    [
      "a record's value",
      v.record(v.string(), v.boolean()),
      { x: 1 },
      "Value does not match validator.\nPath: .values()\nValue: 1.0\nValidator: v.boolean()",
    ],
    [
      "an array for an object",
      message,
      [],
      'Value does not match validator.\n\nValue: []\nValidator: v.object({author: v.id("users"), body: v.string(), ' +
        'counts: v.optional(v.record(v.string(), v.int64())), tags: v.optional(v.array(v.union(v.literal("a"), v.literal("b"))))})',
    ],
    [
      "bytes for a string",
      v.string(),
      Uint8Array.of(1, 255).buffer,
      'Value does not match validator.\n\nValue: b"01ff"\nValidator: v.string()',
    ],
  ])("%s is told in the backend's words", (_, validator, value, text) => {
    expect(check(validator, value)).toBe(text);
  });

  test("a field named like a property of every object is not taken for present", () => {
    expect(check(v.object({ constructor: v.any() }), {})).toContain(
      "missing the required field `constructor`",
    );
    expect(check(v.object({}), { toString: 1 })).toContain("extra field `toString`");
  });
});
