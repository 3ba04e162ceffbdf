import { describe, expect, test } from "vitest";
import { collect, fullScan, mutate, openTemporary } from "./fixture.ts";

const MIB = 1024 * 1024;

describe("limits of one function", () => {
  test("reading more than 32,000 documents is an error, filtered ones included", () => {
    const database = openTemporary();
    for (let part = 0; part < 3; part++) {
      mutate(database, (transaction) => {
        for (let n = 0; n < 10_700; n++) transaction.insert("t", {});
      });
    }
    const transaction = database.begin({ writable: false });
    const stream = transaction.stream(fullScan("t", null, [{ filter: { $literal: false } }]));
    expect(() => stream.next()).toThrow(
      "Too many documents read in a single function execution (limit: 32000).",
    );
    expect(database.begin({ writable: false }).count("t")).toBe(32_100);
  });

  test("reading or writing more than 16 MiB is an error", () => {
    const database = openTemporary();
    const big = { text: "x".repeat(MIB - 200) };
    const ids = [0, 1].flatMap(() =>
      mutate(database, (transaction) => Array.from({ length: 9 }, () => transaction.insert("t", big))),
    );
    const reader = database.begin({ writable: false });
    expect(() => ids.map((id) => reader.get(id))).toThrow(
      "Too many bytes read in a single function execution (limit: 16777216 bytes).",
    );
    const writer = database.begin({ writable: true });
    expect(() => Array.from({ length: 17 }, () => writer.insert("t", big))).toThrow(
      "Too many bytes written in a single function execution (limit: 16777216 bytes).",
    );
  });

  test("more than 4,096 queries and gets are an error", () => {
    const database = openTemporary();
    const id = mutate(database, (transaction) => transaction.insert("t", {}));
    const transaction = database.begin({ writable: false });
    for (let i = 0; i < 2048; i++) {
      transaction.get(id);
      collect(transaction, fullScan("t", null, [{ limit: 1 }]));
    }
    expect(() => transaction.get(id)).toThrow("Too many reads in a single function execution (limit: 4096).");
  });

  test("more than 16,000 writes are an error, and the transaction can still be dropped", () => {
    const database = openTemporary();
    const transaction = database.begin({ writable: true });
    const id = transaction.insert("t", {});
    for (let i = 1; i < 16_000; i++) transaction.patch(id, { i });
    expect(() => transaction.patch(id, { i: 0 })).toThrow(
      "Too many writes in a single function execution (limit: 16000).",
    );
  });

  test("more than 1,000 scheduled functions, or 16 MiB of their arguments, are an error", () => {
    const database = openTemporary();
    const many = database.begin({ writable: true });
    for (let i = 0; i < 1000; i++) many.insert("_scheduled_functions", { args: [{}] });
    expect(many.metrics().functionsScheduled).toEqual({ used: 1000, remaining: 0 });
    expect(() => many.insert("_scheduled_functions", { args: [{}] })).toThrow(
      "Too many functions scheduled by this mutation (limit: 1000)",
    );
    const large = database.begin({ writable: true });
    const args = [{ text: "x".repeat(MIB - 500) }];
    expect(() => Array.from({ length: 17 }, () => large.insert("_scheduled_functions", { args }))).toThrow(
      "Too large total size of the arguments",
    );
  });

  test("metrics tell what was used and what remains; system tables do not count", () => {
    const database = openTemporary();
    const transaction = database.begin({ writable: true });
    const id = transaction.insert("t", { n: 1 });
    transaction.get(id);
    const job = transaction.insert("_scheduled_functions", { args: [] });
    transaction.get(job, { isSystem: true });
    expect(transaction.metrics()).toMatchObject({
      databaseQueries: { used: 2, remaining: 4094 },
      documentsRead: { used: 1, remaining: 31_999 },
      documentsWritten: { used: 1, remaining: 15_999 },
      bytesRead: { used: 74 },
      bytesWritten: { used: 74 },
      functionsScheduled: { used: 1 },
      scheduledFunctionArgsBytes: { used: 2 },
    });
  });
});
