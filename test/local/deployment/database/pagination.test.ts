import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DatabaseError } from "../../../../local/deployment/database/database.ts";
import type {
  Database,
  Document,
  Page,
  PageRequest,
  QueryJson,
} from "../../../../local/deployment/database/database.ts";
import { arbitraryFields, arbitraryQuery } from "./arbitrary-query.ts";
import { collect, fullScan, indexRange, looseSchema, mutate, openTemporary, read } from "./fixture.ts";

const schema = looseSchema({ t: { by_a: ["a"], by_a_b: ["a", "b.c"] } });

type DocumentPage = Omit<Page, "page"> & { page: Document[] };

function page(
  database: Database,
  request: Partial<PageRequest> & { query: QueryJson },
  journal: string | null = null,
): DocumentPage & { journal: string | null; watch: (watch: number) => void } {
  const transaction = database.begin({ writable: false, journal });
  const result = transaction.page({ cursor: null, endCursor: null, pageSize: 10, ...request });
  return {
    ...result,
    page: result.page.map(({ document }) => document),
    journal: database.journalOf(transaction),
    watch: (watch) => database.watch(watch, transaction.readSet()),
  };
}

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

const isOdd = { $eq: [{ $mod: [{ $field: "n" }, { $literal: 2 }] }, { $literal: 1 }] };

describe("pagination", () => {
  test("pages joined are the whole result, none longer than asked, the last one done", () => {
    fc.assert(
      fc.property(
        arbitraryQuery,
        fc.array(arbitraryFields, { maxLength: 30, size: "max" }),
        fc.integer({ min: 1, max: 7 }),
        (query, stored, pageSize) => {
          const database = openTemporary();
          database.applySchema(schema);
          mutate(database, (transaction) => {
            for (const fields of stored) transaction.insert("t", fields);
          });
          const json = indexRange(`t.${query.index}`, query.range, query.order);
          const pages: DocumentPage[] = [];
          let cursor: string | null = null;
          do {
            const next: DocumentPage = page(database, { query: json, cursor, pageSize });
            pages.push(next);
            cursor = next.continueCursor;
          } while (!pages.at(-1)!.isDone);
          const joined = pages.flatMap((one) => one.page);
          expect(joined).toEqual(read(database, (transaction) => collect(transaction, json)));
          for (const one of pages.slice(0, -1)) expect(one.page).toHaveLength(pageSize);
          expect(pages.at(-1)!.page.length).toBeLessThan(pageSize);
        },
      ),
      { numRuns: 150 },
    );
  });

  test("[G4] re-run with their journals after writes, pages neither overlap nor leave a gap", () => {
    const write = fc.oneof(
      fc.record({ insert: arbitraryFields }),
      fc.record({ remove: fc.nat() }),
      fc.record({ patch: fc.nat(), fields: arbitraryFields }),
    );
    fc.assert(
      fc.property(
        arbitraryQuery,
        fc.array(arbitraryFields, { minLength: 5, maxLength: 25, size: "max" }),
        fc.array(write, { maxLength: 15, size: "max" }),
        (query, stored, writes) => {
          const database = openTemporary();
          database.applySchema(schema);
          const ids = mutate(database, (transaction) =>
            stored.map((fields) => transaction.insert("t", fields)),
          );
          const json = indexRange(`t.${query.index}`, query.range, query.order);
          const subscriptions: { cursor: string | null; journal: string; documents: Document[] }[] = [];
          let cursor: string | null = null;
          for (;;) {
            const next = page(database, { query: json, cursor, pageSize: 4 });
            next.watch(subscriptions.length);
            subscriptions.push({ cursor, journal: next.journal!, documents: next.page });
            cursor = next.continueCursor;
            if (next.isDone) break;
          }
          for (const change of writes) {
            const transaction = database.begin({ writable: true });
            if ("insert" in change) ids.push(transaction.insert("t", change.insert));
            else {
              const id = ids[("remove" in change ? change.remove : change.patch) % ids.length]!;
              if (transaction.get(id) === null) continue;
              if ("remove" in change) transaction.remove(id);
              else transaction.patch(id, change.fields);
            }
            for (const watch of database.commit(transaction).watches) {
              const subscription = subscriptions[watch]!;
              const again = page(
                database,
                { query: json, cursor: subscription.cursor, pageSize: 4 },
                subscription.journal,
              );
              expect(again.journal).toBe(subscription.journal);
              again.watch(watch);
              subscription.documents = again.page;
            }
            const joined = subscriptions.flatMap(({ documents }) => documents);
            expect(joined).toEqual(read(database, (transaction) => collect(transaction, json)));
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  test("exactly a page of rows is not done yet, the next page is empty and done", () => {
    const database = openTemporary();
    mutate(database, (transaction) => [1, 2].map((n) => transaction.insert("t", { n })));
    const first = page(database, { query: fullScan("t"), pageSize: 2 });
    expect([first.page.length, first.isDone]).toEqual([2, false]);
    const second = page(database, { query: fullScan("t"), pageSize: 2, cursor: first.continueCursor });
    expect([second.page, second.isDone]).toEqual([[], true]);
    const third = page(database, { query: fullScan("t"), pageSize: 2, cursor: second.continueCursor });
    expect([third.page, third.isDone, third.continueCursor]).toEqual([[], true, second.continueCursor]);
  });

  test("an end cursor overrules the page size", () => {
    const database = openTemporary();
    mutate(database, (transaction) => [1, 2, 3, 4].map((n) => transaction.insert("t", { n })));
    const three = page(database, { query: fullScan("t"), pageSize: 3 });
    const again = page(database, { query: fullScan("t"), pageSize: 1, endCursor: three.continueCursor });
    expect(again.page.map(({ n }) => n)).toEqual([1, 2, 3]);
    expect([again.isDone, again.continueCursor]).toEqual([false, three.continueCursor]);
  });

  test("documents that a filter drops do not count for the page", () => {
    const database = openTemporary();
    mutate(database, (transaction) => [1, 2, 3, 4, 5].map((n) => transaction.insert("t", { n })));
    const query = fullScan("t", "desc", [{ filter: isOdd }]);
    const first = page(database, { query, pageSize: 2 });
    expect(first.page.map(({ n }) => n)).toEqual([5, 3]);
    expect(
      page(database, { query, pageSize: 2, cursor: first.continueCursor }).page.map(({ n }) => n),
    ).toEqual([1]);
  });

  test("a page of nothing, of a table that does not exist, is done", () => {
    const database = openTemporary();
    expect(page(database, { query: fullScan("nowhere") })).toMatchObject({ page: [], isDone: true });
  });

  test.each([
    ["junk", "junk"],
    ["nothing", ""],
    ["text of other JSON", Buffer.from("{}").toString("base64url")],
  ])("%s for a cursor is InvalidCursor, in words and in data", (_, cursor) => {
    const database = openTemporary();
    const error = errorOf(() => page(database, { query: fullScan("t"), cursor }));
    expect(error).toBeInstanceOf(DatabaseError);
    expect((error as DatabaseError).message).toMatch(/^InvalidCursor: /);
    expect((error as DatabaseError).data).toEqual({
      isConvexSystemError: true,
      paginationError: "InvalidCursor",
    });
  });

  test("a cursor of another query is InvalidCursor, a journal of another query is ignored", () => {
    const database = openTemporary();
    mutate(database, (transaction) => [1, 2, 3].map((n) => transaction.insert("t", { n })));
    const { continueCursor } = page(database, { query: fullScan("t", "asc"), pageSize: 1 });
    const other = fullScan("t", "desc");
    expect(() => page(database, { query: other, cursor: continueCursor })).toThrow("InvalidCursor");
    expect(() => page(database, { query: other, endCursor: continueCursor })).toThrow("InvalidCursor");
    expect(page(database, { query: other, pageSize: 2 }, continueCursor).page).toHaveLength(2);
  });

  test("a second page in one function is refused, as are page sizes that make no sense", () => {
    const database = openTemporary();
    const transaction = database.begin({ writable: false });
    const request = { query: fullScan("t"), cursor: null, endCursor: null, pageSize: 1 };
    transaction.page(request);
    expect(() => transaction.page(request)).toThrow("ran multiple paginated queries");
    for (const pageSize of [0, -1, 1.5, 32_001, NaN]) {
      expect(() => page(database, { query: fullScan("t"), pageSize })).toThrow("page size");
    }
  });

  test("a function that did not paginate has no journal", () => {
    const database = openTemporary();
    const transaction = database.begin({ writable: false });
    collect(transaction, fullScan("t"));
    expect(database.journalOf(transaction)).toBeNull();
  });
});
