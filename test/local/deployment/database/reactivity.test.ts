import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Database, Transaction } from "../../../../local/deployment/database/database.ts";
import { valueToJson } from "../../../../local/deployment/values/convex-json.ts";
import type { Value } from "../../../../local/deployment/values/value.ts";
import { arbitraryFields, arbitraryQuery } from "./arbitrary-query.ts";
import { collect, fullScan, indexRange, looseSchema, openTemporary } from "./fixture.ts";
import type { NaiveQuery } from "./naive-model.ts";

const schema = looseSchema({ t: { by_a: ["a"], by_a_b: ["a", "b.c"] } });

type Watched =
  | { kind: "query"; query: NaiveQuery; take: number | null }
  | { kind: "get"; target: number }
  | { kind: "count" };

const watched: fc.Arbitrary<Watched> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("query" as const),
      query: arbitraryQuery,
      take: fc.option(fc.nat({ max: 3 }), { nil: null }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("get" as const), target: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("count" as const) }) },
);

const write = fc.record({
  kind: fc.constantFrom("insert", "patch", "replace", "remove"),
  target: fc.nat(),
  fields: arbitraryFields,
});

/** What a function that runs these queries would return. */
function run(transaction: Transaction, targets: readonly Watched[], ids: readonly string[]): string {
  const result = (target: Watched): Value => {
    switch (target.kind) {
      case "count":
        return transaction.count("t");
      case "get":
        return transaction.get(ids[target.target % ids.length]!)?.document ?? null;
      case "query": {
        const { index, range, order } = target.query;
        const operators = target.take === null ? [] : [{ limit: target.take }];
        return collect(transaction, indexRange(`t.${index}`, range, order, operators));
      }
    }
  };
  return JSON.stringify(valueToJson(targets.map(result)));
}

/** Runs a query and keeps its watch, as a subscription does. */
function subscribe(database: Database, watch: number, query: (transaction: Transaction) => unknown): void {
  const transaction = database.begin({ writable: false });
  query(transaction);
  database.watch(watch, structuredClone(transaction.readSet()));
}

function change(database: Database, write: (transaction: Transaction) => void): number[] {
  const transaction = database.begin({ writable: true });
  write(transaction);
  return database.commit(transaction).watches.sort();
}

describe("reactivity", () => {
  test("[G4] a commit reports every query whose result it changed", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(watched, { minLength: 1, maxLength: 4, size: "max" }), {
          minLength: 1,
          maxLength: 8,
          size: "max",
        }),
        fc.array(arbitraryFields, { maxLength: 12, size: "max" }),
        fc.array(fc.array(write, { minLength: 1, maxLength: 4 }), { maxLength: 15, size: "max" }),
        (queries, stored, commits) => {
          const database = openTemporary();
          database.applySchema(schema);
          const ids: string[] = [];
          // Ids that nobody has any more, or never got, are watched too.
          change(database, (transaction) => {
            ids.push(transaction.insert("t", {}));
            transaction.remove(ids[0]!);
            for (const fields of stored) ids.push(transaction.insert("t", fields));
          });
          const results = queries.map((query, watch) => {
            let result = "";
            subscribe(
              database,
              watch,
              (transaction) => (result = run(transaction, query, ids.slice(0, 1 + stored.length))),
            );
            return result;
          });
          for (const writes of commits) {
            const touched = new Set(
              change(database, (transaction) => {
                for (const { kind, target, fields } of writes) {
                  const id = ids[target % ids.length]!;
                  if (kind === "insert") ids.push(transaction.insert("t", fields));
                  else if (transaction.get(id) === null) continue;
                  else if (kind === "remove") transaction.remove(id);
                  else transaction[kind](id, fields);
                }
              }),
            );
            for (const [watch, query] of queries.entries()) {
              const transaction = database.begin({ writable: false });
              const result = run(transaction, query, ids.slice(0, 1 + stored.length));
              if (result !== results[watch]) expect(touched).toContain(watch);
              // Like a subscription: what was not reported keeps its old read set.
              if (touched.has(watch)) database.watch(watch, transaction.readSet());
              results[watch] = result;
            }
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test("what a query did not read does not touch it", () => {
    const database = openTemporary();
    database.applySchema(schema);
    let id = "";
    change(database, (transaction) => {
      for (let a = 0; a < 10; a++) id = transaction.insert("t", { a });
    });
    const below = (a: number) => [{ type: "Lt" as const, fieldPath: "a", value: a }];
    subscribe(database, 1, (transaction) => collect(transaction, indexRange("t.by_a", below(5))));
    subscribe(database, 2, (transaction) =>
      collect(transaction, indexRange("t.by_a", [], "asc", [{ limit: 2 }])),
    );
    subscribe(database, 3, (transaction) => transaction.get(id));
    expect(change(database, (transaction) => transaction.insert("t", { a: 5 }))).toEqual([]);
    expect(change(database, (transaction) => transaction.insert("t", { a: 4 }))).toEqual([1]);
    expect(change(database, (transaction) => transaction.insert("t", { a: 0 }))).toEqual([1, 2]);
    expect(change(database, (transaction) => transaction.patch(id, { a: 50 }))).toEqual([3]);
  });

  test("a document written and taken back in one transaction touches nobody", () => {
    const database = openTemporary();
    database.applySchema(schema);
    subscribe(database, 1, (transaction) => collect(transaction, fullScan("t")));
    expect(change(database, (transaction) => transaction.remove(transaction.insert("t", {})))).toEqual([]);
  });

  test("a query of a table that does not exist yet is touched by its first document", () => {
    const database = openTemporary();
    subscribe(database, 1, (transaction) => collect(transaction, fullScan("later")));
    subscribe(database, 2, (transaction) => transaction.count("later"));
    subscribe(database, 3, (transaction) => transaction.normalizeId("later", "junk"));
    subscribe(database, 4, (transaction) => collect(transaction, fullScan("other")));
    expect(change(database, (transaction) => transaction.insert("later", {}))).toEqual([1, 2, 3]);
  });

  test("a forgotten watch is not reported, a replaced one by its new read set only", () => {
    const database = openTemporary();
    database.applySchema(schema);
    subscribe(database, 1, (transaction) => collect(transaction, fullScan("t")));
    subscribe(database, 2, (transaction) => collect(transaction, fullScan("t")));
    subscribe(database, 2, (transaction) => collect(transaction, fullScan("u")));
    database.unwatch(1);
    expect(change(database, (transaction) => transaction.insert("t", {}))).toEqual([]);
    expect(change(database, (transaction) => transaction.insert("u", {}))).toEqual([2]);
  });

  test("a variable's change touches its readers, a new schema touches all", () => {
    const database = openTemporary();
    subscribe(database, 1, (transaction) => transaction.readEnvironment("KEY"));
    subscribe(database, 2, (transaction) => transaction.readEnvironment("OTHER"));
    expect(database.systemCommit({ put: [["env/KEY", "x"]], touchesEnvironment: ["KEY"] }).watches).toEqual([
      1,
    ]);
    expect(database.applySchema(schema).watches).toEqual([1, 2]);
  });
});
