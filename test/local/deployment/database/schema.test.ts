import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import type { SchemaJson } from "../../../../local/deployment/database/database.ts";
import {
  collect,
  indexRange,
  looseSchema,
  mutate,
  openTemporary,
  read,
  strictSchema,
  temporaryDataDir,
} from "./fixture.ts";

const people = strictSchema({
  people: {
    validator: v.object({ name: v.string(), age: v.optional(v.number()) }),
    indexes: { by_age: ["age"] },
  },
});

describe("schema validation", () => {
  test("insert, patch and replace keep documents to their type, in the backend's words", () => {
    const database = openTemporary();
    database.applySchema(people);
    const transaction = database.begin({ writable: true });
    const id = transaction.insert("people", { name: "Ada" });
    const prefix =
      'Failed to insert or update a document in table "people" because it does not match the schema: ';
    expect(() => transaction.insert("people", { name: "Bob", nick: "B" })).toThrow(
      `${prefix}Object contains extra field \`nick\` that is not in the validator.\n\n` +
        'Object: {name: "Bob", nick: "B"}\nValidator: v.object({age: v.optional(v.float64()), name: v.string()})',
    );
    expect(() => transaction.patch(id, { age: "old" })).toThrow(
      `${prefix}Value does not match validator.\nPath: .age\nValue: "old"\nValidator: v.float64()`,
    );
    expect(() => transaction.patch(id, { name: undefined })).toThrow("missing the required field `name`");
    expect(() => transaction.replace(id, {})).toThrow("missing the required field `name`");
    expect(transaction.patch(id, { age: 36 }).document).toMatchObject({ name: "Ada", age: 36 });
  });

  test("ids are checked against the table they name, also of documents not yet committed", () => {
    const database = openTemporary();
    database.applySchema(strictSchema({ posts: { validator: v.object({ author: v.id("users") }) } }));
    const transaction = database.begin({ writable: true });
    const user = transaction.insert("users", {});
    const post = transaction.insert("posts", { author: user });
    expect(() => transaction.insert("posts", { author: post })).toThrow("from table `posts`");
  });

  test("tables outside the schema, and all with schemaValidation off, take anything", () => {
    const database = openTemporary();
    database.applySchema(people);
    mutate(database, (transaction) => transaction.insert("other", { any: 1n }));
    database.applySchema({ ...people, schemaValidation: false });
    mutate(database, (transaction) => transaction.insert("people", { any: 1n }));
    database.applySchema(null);
    mutate(database, (transaction) => transaction.insert("people", { any: 1n }));
  });

  test("the schema is still in force after reopening", async () => {
    const dataDir = temporaryDataDir();
    const first = openTemporary(dataDir);
    first.applySchema(people);
    await first.close();
    const second = openTemporary(dataDir);
    expect(() => mutate(second, (transaction) => transaction.insert("people", {}))).toThrow("required field");
  });
});

describe("checking a new schema", () => {
  test("a stored document that does not match is named, and nothing changes", () => {
    const database = openTemporary();
    mutate(database, (transaction) => transaction.insert("people", { name: "Ada" }));
    const id = mutate(database, (transaction) => transaction.insert("people", { name: 5 }));
    const before = database.latestTs();
    expect(database.checkSchema(people)).toEqual({
      ok: false,
      table: "people",
      error:
        `Document with ID "${id}" in table "people" does not match the schema: Value does not match validator.\n` +
        "Path: .name\nValue: 5.0\nValidator: v.string()",
    });
    expect(database.latestTs()).toBe(before);
    mutate(database, (transaction) => transaction.patch(id, { name: "Five" }));
    expect(database.checkSchema(people)).toMatchObject({ ok: true });
  });

  test("a table's type that got stricter is checked again, one that stayed is not in doubt", () => {
    const database = openTemporary();
    database.applySchema(people);
    mutate(database, (transaction) => transaction.insert("people", { name: "Ada" }));
    expect(database.checkSchema(people)).toMatchObject({ ok: true });
    const stricter = strictSchema({ people: { validator: v.object({ name: v.string(), age: v.number() }) } });
    expect(database.checkSchema(stricter)).toMatchObject({ ok: false, table: "people" });
    expect(database.checkSchema({ ...stricter, schemaValidation: false })).toMatchObject({ ok: true });
  });

  test("every document of a large table is checked", () => {
    const database = openTemporary();
    mutate(database, (transaction) => {
      for (let n = 0; n < 2500; n++) transaction.insert("people", { name: "x" });
    });
    expect(database.checkSchema(people)).toMatchObject({ ok: true });
    mutate(database, (transaction) => {
      const last = collect(transaction, indexRange("people.by_id", [], "desc", [{ limit: 1 }]))[0]!;
      transaction.patch(last._id, { name: null });
    });
    expect(database.checkSchema(people)).toMatchObject({ ok: false });
  });

  const withIndexes = (indexes: Record<string, string[]>, table = "t"): SchemaJson =>
    looseSchema({ [table]: indexes });
  test.each<[string, SchemaJson, string]>([
    ["a bad table name", withIndexes({}, "1t"), 'Invalid table "1t"'],
    ["a reserved index name", withIndexes({ by_id: ["a"] }), '"by_id" is reserved'],
    ["a bad index name", withIndexes({ "by-a": ["a"] }), 'index name "by-a" must start with a letter'],
    ["an index of no fields", withIndexes({ by_a: [] }), "must have 1 to 16 fields"],
    [
      "an index of 17 fields",
      withIndexes({ by_a: Array.from({ length: 17 }, (_, i) => `f${i}`) }),
      "must have 1 to 16 fields",
    ],
    ["a field twice", withIndexes({ by_a: ["a", "a"] }), "names a field twice"],
    ["a system field", withIndexes({ by_a: ["a", "_creationTime"] }), 'names "_creationTime"'],
    [
      "65 indexes",
      withIndexes(Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`by_${i}x`, ["a"]]))),
      "has 65 indexes",
    ],
    [
      "a table twice",
      { ...withIndexes({}), tables: [...withIndexes({}).tables, ...withIndexes({}).tables] },
      "defined twice",
    ],
  ])("%s is refused", (_, schema, error) => {
    const checked = openTemporary().checkSchema(schema);
    expect(checked.ok ? "" : checked.error).toContain(error);
  });
});

describe("applying a schema", () => {
  const range = { type: "Gte" as const, fieldPath: "age", value: 2 };

  test("an added index holds the documents that were there, a removed one is gone", () => {
    const database = openTemporary();
    mutate(database, (transaction) => {
      for (const age of [3, 1, 2]) transaction.insert("people", { age });
    });
    const byAge = looseSchema({ people: { by_age: ["age"] } });
    const change = { table: "people", name: "by_age", fields: ["age"] };
    expect(database.checkSchema(byAge)).toEqual({ ok: true, added: [change], removed: [] });
    database.applySchema(byAge);
    expect(
      read(database, (transaction) =>
        collect(transaction, indexRange("people.by_age", [range])).map(({ age }) => age),
      ),
    ).toEqual([2, 3]);

    expect(database.checkSchema(null)).toEqual({ ok: true, added: [], removed: [change] });
    database.applySchema(null);
    expect(() => read(database, (transaction) => collect(transaction, indexRange("people.by_age")))).toThrow(
      "not found",
    );
    database.applySchema(byAge);
    mutate(database, (transaction) => transaction.insert("people", { age: 9 }));
    expect(
      read(database, (transaction) =>
        collect(transaction, indexRange("people.by_age", [range], "desc")).map(({ age }) => age),
      ),
    ).toEqual([9, 3, 2]);
  });

  test("an index whose fields change is built anew under its name", () => {
    const database = openTemporary();
    database.applySchema(looseSchema({ t: { by_x: ["a"] } }));
    mutate(database, (transaction) =>
      [
        [1, 2],
        [2, 1],
      ].map(([a, b]) => transaction.insert("t", { a: a!, b: b! })),
    );
    const next = looseSchema({ t: { by_x: ["b"] } });
    expect(database.checkSchema(next)).toMatchObject({
      added: [{ fields: ["b"] }],
      removed: [{ fields: ["a"] }],
    });
    database.applySchema(next);
    expect(
      read(database, (transaction) => collect(transaction, indexRange("t.by_x")).map(({ b }) => b)),
    ).toEqual([1, 2]);
  });

  test("tables of the schema exist from then on, and stay when it goes", () => {
    const database = openTemporary();
    database.applySchema(people);
    expect(database.tables()).toEqual(["people"]);
    database.applySchema(null);
    expect(database.tables()).toEqual(["people"]);
  });

  test("search and vector indexes can be declared, using them is refused in plain words", () => {
    const database = openTemporary();
    database.applySchema({
      schemaValidation: true,
      tables: [
        {
          tableName: "t",
          indexes: [],
          documentType: { type: "any" },
          searchIndexes: [{ indexDescriptor: "search_body", searchField: "body", filterFields: [] }],
          vectorIndexes: [
            { indexDescriptor: "by_vector", vectorField: "v", dimensions: 2, filterFields: [] },
          ],
        },
      ],
    });
    const transaction = database.begin({ writable: false });
    const search = {
      source: { type: "Search" as const, indexName: "t.search_body", filters: [] },
      operators: [],
    };
    const message = "is not supported by the local deployment";
    expect(() => transaction.stream(search)).toThrow(`Search index t.search_body ${message}`);
    expect(() => transaction.stream(indexRange("t.by_vector"))).toThrow(
      `Vector index t.by_vector ${message}`,
    );
  });
});
