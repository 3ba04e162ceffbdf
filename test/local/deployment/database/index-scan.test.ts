import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Database, Document, Transaction } from "../../../../local/deployment/database/database.ts";
import { arbitraryFields, arbitraryQuery } from "./arbitrary-query.ts";
import {
  collect,
  fullScan,
  indexRange,
  looseSchema,
  mutate,
  openTemporary,
  temporaryDataDir,
} from "./fixture.ts";
import { compareIn, naiveResult, type NaiveQuery } from "./naive-model.ts";

const schema = looseSchema({ t: { by_a: ["a"], by_a_b: ["a", "b.c"] } });

type Write =
  | { kind: "insert"; fields: Record<string, never> }
  | { kind: "patch" | "replace"; target: number; fields: Record<string, never> }
  | { kind: "remove"; target: number };

const write = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("insert" as const), fields: arbitraryFields }) },
  fc.record({
    kind: fc.constantFrom("patch" as const, "replace" as const),
    target: fc.nat(),
    fields: arbitraryFields,
  }),
  fc.record({ kind: fc.constant("remove" as const), target: fc.nat() }),
) as fc.Arbitrary<Write>;

function apply(transaction: Transaction, model: Map<string, Document>, change: Write): void {
  if (change.kind === "insert") {
    const id = transaction.insert("t", change.fields);
    model.set(id, transaction.get(id)!.document);
    return;
  }
  const ids = [...model.keys()];
  const id = ids[change.target % ids.length];
  if (id === undefined) return;
  if (change.kind === "remove") {
    expect(transaction.remove(id).document).toEqual(model.get(id));
    model.delete(id);
  } else {
    const { document: after } = transaction[change.kind](id, change.fields);
    const { _id, _creationTime } = model.get(id)!;
    const kept = change.kind === "patch" ? model.get(id)! : { _id, _creationTime };
    expect(after).toEqual({ ...kept, ...change.fields });
    model.set(id, after);
  }
}

function run(transaction: Transaction, { index, range, order }: NaiveQuery): Document[] {
  return collect(transaction, indexRange(`t.${index}`, range, order));
}

describe("index scans", () => {
  test("equal a naive model, over stored documents, a transaction's own writes, savepoints and reopening", async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: write.map((change) => ({ kind: "write" as const, change })) },
      { weight: 4, arbitrary: arbitraryQuery.map((query) => ({ kind: "query" as const, query })) },
      {
        weight: 1,
        arbitrary: fc
          .constantFrom("commit" as const, "drop" as const, "reopen" as const)
          .map((kind) => ({ kind })),
      },
      {
        weight: 1,
        arbitrary: fc
          .record({ writes: fc.array(write, { maxLength: 4 }), keep: fc.boolean() })
          .map((nested) => ({ kind: "nested" as const, ...nested })),
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
        const dataDir = temporaryDataDir();
        let database: Database = openTemporary(dataDir);
        database.applySchema(schema);
        let committed = new Map<string, Document>();
        let model = new Map<string, Document>();
        let transaction = database.begin({ writable: true });
        for (const action of steps) {
          switch (action.kind) {
            case "write":
              apply(transaction, model, action.change);
              break;
            case "query":
              expect(run(transaction, action.query)).toEqual(naiveResult(model.values(), action.query));
              break;
            case "nested": {
              const savepoint = transaction.savepoint();
              const nested = new Map(model);
              for (const change of action.writes) apply(transaction, nested, change);
              if (action.keep) {
                savepoint.release();
                model = nested;
              } else savepoint.rollback();
              break;
            }
            default:
              if (action.kind === "commit") {
                database.commit(transaction);
                committed = new Map(model);
              } else {
                model = new Map(committed);
              }
              if (action.kind === "reopen") {
                await database.close();
                database = openTemporary(dataDir);
              }
              transaction = database.begin({ writable: true });
          }
          expect(transaction.count("t")).toBe(model.size);
        }
        await database.close();
      }),
      { numRuns: 200 },
    );
  });

  test("a scan sees writes made behind its back, if they lie ahead of it", () => {
    fc.assert(
      fc.property(
        arbitraryQuery,
        fc.array(arbitraryFields, { maxLength: 30, size: "max" }),
        fc.array(fc.option(write, { nil: "step" as const }), { maxLength: 60, size: "max" }),
        (query, stored, actions) => {
          const database = openTemporary();
          database.applySchema(schema);
          const model = new Map<string, Document>();
          mutate(database, (transaction) => {
            for (const fields of stored)
              apply(transaction, model, { kind: "insert", fields: fields as never });
          });
          const transaction = database.begin({ writable: true });
          const stream = transaction.stream(indexRange(`t.${query.index}`, query.range, query.order));
          const direction = query.order === "desc" ? -1 : 1;
          let last: Document | null = null;
          let isDone = false;
          for (const action of actions) {
            if (action !== "step") {
              apply(transaction, model, action);
              continue;
            }
            const position = last;
            const ahead = naiveResult(model.values(), query).filter(
              (document) => position === null || compareIn(query.index, document, position) * direction > 0,
            );
            const next = stream.next();
            if (next.done) isDone = true;
            expect(next.done ? undefined : next.value.document).toEqual(isDone ? undefined : ahead[0]);
            if (!next.done) last = next.value.document;
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test("a missing field is indexed as undefined: eq finds it, lt includes it, gt null excludes it", () => {
    const database = openTemporary();
    database.applySchema(schema);
    mutate(database, (transaction) => {
      for (const fields of [{ n: 0 }, { n: 1, a: null }, { n: 2, a: 5 }, { n: 3, a: "x" }])
        transaction.insert("t", fields);
    });
    const transaction = database.begin({ writable: false });
    const found = (type: "Eq" | "Gt" | "Lt", value: null | number | { $undefined: null }): unknown[] =>
      collect(transaction, indexRange("t.by_a", [{ type, fieldPath: "a", value }])).map(({ n }) => n);
    expect(found("Eq", { $undefined: null })).toEqual([0]);
    expect(found("Gt", null)).toEqual([2, 3]);
    expect(found("Lt", 5)).toEqual([0, 1]);
  });

  test("documents of one index key come in the order of their creation, which is strictly increasing", () => {
    const database = openTemporary();
    database.applySchema(schema);
    const ids = [0, 1].flatMap(() =>
      mutate(database, (transaction) =>
        Array.from({ length: 300 }, () => transaction.insert("t", { a: "same" })),
      ),
    );
    const transaction = database.begin({ writable: false });
    const documents = collect(
      transaction,
      indexRange("t.by_a", [{ type: "Eq", fieldPath: "a", value: "same" }]),
    );
    expect(documents.map(({ _id }) => _id)).toEqual(ids);
    for (const [i, { _creationTime }] of documents.entries()) {
      if (i > 0) expect(_creationTime).toBeGreaterThan(documents[i - 1]!._creationTime);
    }
  });

  test("a table that does not exist is empty, an index that does not exist is an error", () => {
    const database = openTemporary();
    database.applySchema(schema);
    const transaction = database.begin({ writable: false });
    expect(collect(transaction, fullScan("nowhere"))).toEqual([]);
    expect(() => transaction.stream(indexRange("t.by_c"))).toThrow("Index t.by_c not found.");
  });
});

describe("index ranges", () => {
  const eq = (fieldPath: string, value: number) => ({ type: "Eq" as const, fieldPath, value });
  const gt = (fieldPath: string, value: number) => ({ type: "Gt" as const, fieldPath, value });
  const lt = (fieldPath: string, value: number) => ({ type: "Lt" as const, fieldPath, value });

  test.each([
    ["a field of no index", [eq("z", 1)], 'only indexes the fields ["a","b.c","_creationTime","_id"]'],
    ["a gap", [eq("b.c", 1)], 'First incorrect field: "b.c"'],
    ["a bound before an equality", [gt("a", 1), eq("b.c", 1)], 'First incorrect field: "b.c"'],
    [
      "two equalities",
      [eq("a", 1), eq("a", 1)],
      'Already defined equality bound in index range. Can\'t add "a" == 1.0.',
    ],
    ["two lower bounds", [gt("a", 1), gt("a", 2)], "Already defined lower bound"],
    ["two upper bounds", [lt("a", 1), lt("a", 2)], "Already defined upper bound"],
    [
      "an equality and a bound on one field",
      [eq("a", 1), gt("a", 0)],
      "didn't use the index fields in order",
    ],
    [
      "bounds on two fields",
      [eq("a", 1), gt("b.c", 1), lt("_creationTime", 1)],
      'on both "b.c" and "_creationTime"',
    ],
  ])("%s is refused", (_, range, message) => {
    const database = openTemporary();
    database.applySchema(schema);
    const transaction = database.begin({ writable: false });
    expect(() => transaction.stream(indexRange("t.by_a_b", range))).toThrow(message);
  });

  test("the implicit fields and the built-in indexes can be constrained", () => {
    const database = openTemporary();
    database.applySchema(schema);
    const [first, second] = mutate(database, (transaction) => [
      transaction.insert("t", { a: 1 }),
      transaction.insert("t", { a: 1 }),
    ]);
    const transaction = database.begin({ writable: false });
    const created = transaction.get(first)!.document._creationTime;
    const ids = (query: ReturnType<typeof indexRange>): string[] =>
      collect(transaction, query).map(({ _id }) => _id);
    const value = (type: "Eq" | "Gt", fieldPath: string, json: string | number) => ({
      type,
      fieldPath,
      value: json,
    });
    expect(ids(indexRange("t.by_id", [value("Eq", "_id", second)]))).toEqual([second]);
    expect(ids(indexRange("t.by_creation_time", [value("Gt", "_creationTime", created)]))).toEqual([second]);
    expect(ids(indexRange("t.by_a", [value("Eq", "a", 1), value("Gt", "_creationTime", created)]))).toEqual([
      second,
    ]);
  });
});
