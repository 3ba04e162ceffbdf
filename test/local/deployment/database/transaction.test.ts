import { describe, expect, test } from "vitest";
import { encodeId, newId } from "../../../../local/deployment/values/id.ts";
import type { Value } from "../../../../local/deployment/values/value.ts";
import { collect, fullScan, looseSchema, mutate, openTemporary, read } from "./fixture.ts";

describe("reading by id", () => {
  test("a stored document, a pending one and one that is gone", () => {
    const database = openTemporary();
    const stored = mutate(database, (transaction) => transaction.insert("t", { n: 1 }));
    const transaction = database.begin({ writable: true });
    const pending = transaction.insert("t", { n: 2 });
    expect(transaction.get(stored)!.document).toMatchObject({ _id: stored, n: 1 });
    expect(transaction.get(pending)!.document).toMatchObject({ _id: pending, n: 2 });
    transaction.remove(stored);
    expect(transaction.get(stored)).toBeNull();
    expect(read(database, (other) => other.get(pending))).toBeNull();
  });

  test("an id of an unknown table is of no document, text that is no id is an error", () => {
    const transaction = openTemporary().begin({ writable: false });
    expect(transaction.get(newId(20_000, Date.now()))).toBeNull();
    expect(() => transaction.get("nobody")).toThrow(
      "Invalid argument `id` for `db.get`: Unable to decode ID: Invalid ID length 6",
    );
  });

  test("with an explicit table, an id of another one is an error that names both", () => {
    const database = openTemporary();
    const id = mutate(database, (transaction) => transaction.insert("b", {}));
    const transaction = database.begin({ writable: true });
    for (const [method, call] of Object.entries({
      get: () => transaction.get(id, { table: "a" }),
      patch: () => transaction.patch(id, {}, "a"),
      replace: () => transaction.replace(id, {}, "a"),
      delete: () => transaction.remove(id, "a"),
    })) {
      expect(call).toThrow(
        `Invalid argument \`id\` for \`db.${method}\`, expected to be an Id<"a">, got Id<"b"> instead.`,
      );
    }
    expect(transaction.get(id, { table: "b" })).not.toBeNull();
  });

  test("normalizeId answers for its own table and never throws", () => {
    const database = openTemporary();
    const id = mutate(database, (transaction) => transaction.insert("t", {}));
    const transaction = database.begin({ writable: true });
    const fresh = transaction.insert("fresh", {});
    expect(transaction.normalizeId("t", id)).toBe(id);
    expect(transaction.normalizeId("fresh", fresh)).toBe(fresh);
    for (const [table, text] of [
      ["t", "junk"],
      ["t", ""],
      ["t", fresh],
      ["nowhere", id],
      ["_storage", id],
    ] as const) {
      expect(transaction.normalizeId(table, text)).toBeNull();
    }
  });
});

describe("writing", () => {
  test("patch merges at the top level and removes undefined, replace keeps only the system fields", () => {
    const database = openTemporary();
    const id = mutate(database, (transaction) => transaction.insert("t", { a: 1, b: { c: 1, d: 2 }, e: 3 }));
    const original = read(database, (transaction) => transaction.get(id)!.document);
    const system = { _id: id, _creationTime: original._creationTime };
    const transaction = database.begin({ writable: true });
    expect(transaction.patch(id, { a: undefined, b: { c: 9 } }).document).toEqual({
      ...system,
      b: { c: 9 },
      e: 3,
    });
    expect(transaction.replace(id, { z: 1 }).document).toEqual({ ...system, z: 1 });
    expect(transaction.remove(id).document).toEqual({ ...system, z: 1 });
  });

  test("a document that was read can be written back with its own system fields, not with others", () => {
    const database = openTemporary();
    const id = mutate(database, (transaction) => transaction.insert("t", { n: 1 }));
    const transaction = database.begin({ writable: true });
    const document = transaction.get(id)!.document;
    expect(transaction.replace(id, { ...document, n: 2 }).document).toEqual({ ...document, n: 2 });
    expect(() => transaction.patch(id, { _id: newId(10_001, 0) })).toThrow(
      "doesn't match the document's '_id'",
    );
    expect(() => transaction.patch(id, { _creationTime: 1 })).toThrow(
      "doesn't match the document's '_creationTime'",
    );
    expect(() => transaction.insert("t", { ...document })).toThrow("Leave '_id' out.");
  });

  test("changing a document that does not exist is an error that names it", () => {
    const database = openTemporary();
    const id = mutate(database, (transaction) => transaction.insert("t", {}));
    mutate(database, (transaction) => transaction.remove(id));
    const transaction = database.begin({ writable: true });
    expect(() => transaction.patch(id, {})).toThrow(`Update on nonexistent document ID ${id}`);
    expect(() => transaction.replace(id, {})).toThrow(`Replace on nonexistent document ID ${id}`);
    expect(() => transaction.remove(id)).toThrow(`Delete on nonexistent document ID ${id}`);
  });

  const nested = (depth: number): Value => (depth === 0 ? 1 : { x: nested(depth - 1) });

  test.each<[string, Record<string, Value>, string]>([
    ["a field with an underscore", { _x: 1 }, "Field '_x' starts with an underscore"],
    ["a field with a dollar", { $x: 1 }, "starts with a '$'"],
    ["a field beyond ASCII", { ö: 1 }, "invalid character"],
    ["more than 1 MiB", { x: "y".repeat(1024 * 1024) }, "Document is too large"],
    ["nesting of 17", { x: nested(16) }, "Document is nested too deeply (maximum nesting 16)"],
    ["a lone surrogate", { x: "\udc00" }, "lone surrogate"],
    ["an integer of 65 bits", { x: 2n ** 64n }, "does not fit into a 64-bit"],
    [
      "1023 own fields and the system's",
      Object.fromEntries(Array.from({ length: 1023 }, (_, i) => [`f${i}`, 1])),
      "too many fields",
    ],
  ])("a document with %s is refused and changes nothing", (_, value, message) => {
    const database = openTemporary();
    const transaction = database.begin({ writable: true });
    expect(() => transaction.insert("t", value)).toThrow(message);
    expect(collect(transaction, fullScan("t"))).toEqual([]);
    expect(transaction.insert("t", { x: nested(15) })).toBeDefined();
  });

  test.each(["", "1t", "a b", "_mine", "a".repeat(65)])("a table cannot be called %j", (name) => {
    const transaction = openTemporary().begin({ writable: true });
    expect(() => transaction.insert(name, {})).toThrow("Invalid table name");
  });

  test("a query writes nothing", () => {
    const database = openTemporary();
    const transaction = database.begin({ writable: false });
    expect(() => transaction.insert("t", {})).toThrow("A query cannot write to the database");
    expect(database.commit(transaction)).toEqual({ ts: database.latestTs(), watches: [] });
  });
});

describe("savepoints", () => {
  test("a rollback takes back its writes and only them, also through nested and released savepoints", () => {
    const database = openTemporary();
    const stored = mutate(database, (transaction) => transaction.insert("t", { n: 0 }));
    const transaction = database.begin({ writable: true });
    const outside = transaction.insert("t", { n: 1 });
    const outer = transaction.savepoint();
    transaction.patch(stored, { n: 10 });
    const inner = transaction.savepoint();
    transaction.remove(outside);
    transaction.insert("t", { n: 2 });
    inner.release();
    outer.rollback();
    const after = transaction.insert("t", { n: 3 });
    expect(collect(transaction, fullScan("t")).map(({ n }) => n)).toEqual([0, 1, 3]);
    database.commit(transaction);
    expect(read(database, (other) => collect(other, fullScan("t")).map(({ _id }) => _id))).toEqual([
      stored,
      outside,
      after,
    ]);
  });

  test("what is rolled back is neither stored nor counted as written, and makes no table", () => {
    const database = openTemporary();
    const transaction = database.begin({ writable: true });
    const savepoint = transaction.savepoint();
    transaction.insert("t", {});
    savepoint.rollback();
    expect(transaction.metrics().documentsWritten.used).toBe(0);
    const before = database.latestTs();
    expect(database.commit(transaction).ts).toBe(before);
    expect(database.tables()).toEqual([]);
  });
});

describe("isolation", () => {
  test("a transaction does not outlive its commit, and none goes on after another's commit", () => {
    const database = openTemporary();
    const first = database.begin({ writable: true });
    const query = database.begin({ writable: false });
    const stream = query.stream(fullScan("t"));
    const id = first.insert("t", {});
    database.commit(first);
    expect(() => first.get(id)).toThrow("The transaction is finished");
    expect(() => database.commit(first)).toThrow("The transaction is finished");
    expect(() => query.get(id)).toThrow("Another transaction committed");
    expect(() => stream.next()).toThrow("Another transaction committed");
  });

  test("a transaction that is not committed leaves nothing", () => {
    const database = openTemporary();
    database.begin({ writable: true }).insert("t", {});
    expect(read(database, (transaction) => transaction.count("t"))).toBe(0);
    expect(database.tables()).toEqual([]);
  });

  test("system rows commit with the documents, or alone, in the order of their keys", () => {
    const database = openTemporary();
    const transaction = database.begin({ writable: true });
    transaction.insert("t", {});
    const { ts } = database.commit(transaction, {
      put: [
        ["a/2", 2],
        ["a/1", { x: [1] }],
        ["b", null],
      ],
    });
    expect(ts).toBe(database.latestTs());
    expect([...database.systemRange("a/")]).toEqual([
      ["a/1", { x: [1] }],
      ["a/2", 2],
    ]);
    database.systemCommit({ put: [["a/10", 10]], delete: ["a/2", "never"] });
    expect([...database.systemRange("")].map(([key]) => key)).toEqual(["a/1", "a/10", "b"]);
    expect(database.systemGet("b")).toBeNull();
    expect(database.systemGet("c")).toBeUndefined();
  });
});

describe("system tables", () => {
  test("the runtime writes them like others, users see them through isSystem only, no schema applies", () => {
    const database = openTemporary();
    database.applySchema({ ...looseSchema({}), schemaValidation: true });
    const job = { name: "messages.js:send", args: [{}], scheduledTime: 1, state: { kind: "pending" } };
    const id = mutate(database, (transaction) => transaction.insert("_scheduled_functions", job));
    mutate(database, (transaction) =>
      transaction.patch(id, { state: { kind: "success" }, completedTime: 2 }),
    );
    const transaction = database.begin({ writable: true });
    expect(transaction.get(id, { isSystem: true })!.document).toMatchObject({
      ...job,
      state: { kind: "success" },
      completedTime: 2,
    });
    expect(() => transaction.get(id, { isSystem: false })).toThrow("Use `db.system.get`");
    expect(collect(transaction, fullScan("_scheduled_functions")).map(({ _id }) => _id)).toEqual([id]);
    expect(transaction.normalizeId("_scheduled_functions", id)).toBe(id);
    const user = transaction.insert("t", {});
    expect(() => transaction.get(user, { isSystem: true })).toThrow("Use `db.get`");
    transaction.remove(id);
    expect(transaction.get(id, { isSystem: true })).toBeNull();
    expect(database.tables()).toEqual([]);
  });
});

describe("components", () => {
  test("a component's tables are its own", () => {
    const database = openTemporary();
    const id = mutate(database, (transaction) => transaction.insert("t", { n: 1 }));
    const component = database.begin({ writable: true, component: "c" });
    expect(component.get(id)).toBeNull();
    expect(component.normalizeId("t", id)).toBeNull();
    component.insert("t", { n: 2 });
    expect(collect(component, fullScan("t")).map(({ n }) => n)).toEqual([2]);
    database.commit(component);
    expect(read(database, (transaction) => collect(transaction, fullScan("t")).map(({ n }) => n))).toEqual([
      1,
    ]);
  });
});

test("user tables are numbered from 10001", () => {
  const id = mutate(openTemporary(), (transaction) => transaction.insert("t", {}));
  expect(id.slice(0, 3)).toBe(encodeId(10_001, new Uint8Array(16)).slice(0, 3));
  expect(id).toHaveLength(32);
});
