import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  collect,
  fullScan,
  indexRange,
  looseSchema,
  mutate,
  openTemporary,
  read,
  temporaryDataDir,
} from "./fixture.ts";

const child = fileURLToPath(new URL("commit-until-killed.ts", import.meta.url));

/** Kills the committing process without warning after so many acknowledged commits; returns the last one. */
async function commitAndKill(dataDir: string, commits: number): Promise<{ n: number; ts: bigint }> {
  const process = spawn(globalThis.process.execPath, ["--import", "tsx", child, dataDir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  process.stdout.setEncoding("utf8");
  process.stdout.on("data", (text: string) => {
    output += text;
    if (output.split("\n").length > commits) process.kill("SIGKILL");
  });
  const [, signal] = (await once(process, "close")) as [number | null, string | null];
  expect(signal).toBe("SIGKILL");
  const [n, ts] = output.slice(0, output.lastIndexOf("\n")).split("\n").at(-1)!.split(" ");
  return { n: Number(n), ts: BigInt(ts!) };
}

describe("durability", () => {
  test.each([1, 300, 2000])(
    "[G1] after kill -9 every acknowledged commit is there, whole, and nothing is half there (%i commits)",
    async (commits) => {
      const dataDir = temporaryDataDir();
      const acknowledged = await commitAndKill(dataDir, commits);
      expect(acknowledged.n).toBeGreaterThanOrEqual(commits);
      const database = openTemporary(dataDir);
      // The process may have died between a commit and its report.
      const newest = read(
        database,
        (transaction) => collect(transaction, fullScan("newest"))[0]!.n as number,
      );
      expect(newest).toBeGreaterThanOrEqual(acknowledged.n);
      expect(newest).toBeLessThanOrEqual(acknowledged.n + 1);
      expect(database.latestTs()).toBeGreaterThanOrEqual(acknowledged.ts);
      const rows = read(database, (transaction) => collect(transaction, fullScan("rows")));
      expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: newest }, (_, i) => i + 1));
      expect(rows.every(({ n, text }) => (text as string).length === (n as number) % 500)).toBe(true);
      expect([...database.systemRange("answers/")]).toHaveLength(newest);
    },
  );

  test("a reopened database continues: documents, tables, indexes, schema, system rows, later timestamps", async () => {
    const dataDir = temporaryDataDir();
    const first = openTemporary(dataDir);
    first.applySchema(looseSchema({ t: { by_a: ["a"] } }));
    const id = mutate(first, (transaction) =>
      transaction.insert("t", { a: 1n, b: -0, c: new ArrayBuffer(1), d: { ["__proto__"]: "\0" } }),
    );
    mutate(first, (transaction) => transaction.insert("u", {}));
    first.systemCommit({ put: [["k", { v: 1 }]] });
    const before = first.latestTs();
    const created = read(first, (transaction) => transaction.get(id)!.document);
    await first.close();

    const second = openTemporary(dataDir);
    expect(second.latestTs()).toBe(before);
    expect(second.tables()).toEqual(["t", "u"]);
    expect(second.systemGet("k")).toEqual({ v: 1 });
    expect(second.checkSchema(looseSchema({ t: { by_a: ["a"] } }))).toEqual({
      ok: true,
      added: [],
      removed: [],
    });
    expect(read(second, (transaction) => transaction.get(id)!.document)).toEqual(created);
    expect(read(second, (transaction) => collect(transaction, indexRange("t.by_a")))).toEqual([created]);
    const later = mutate(second, (transaction) => transaction.get(transaction.insert("t", {}))!.document);
    expect(later._creationTime).toBeGreaterThan(created._creationTime);
    expect(second.latestTs()).toBeGreaterThan(before);
    // Numbers are not given twice: a new table's ids must not look like those of an old one.
    const third = mutate(second, (transaction) => transaction.insert("v", {}));
    read(second, (transaction) => {
      expect(["t", "u", "v"].map((table) => transaction.normalizeId(table, third))).toEqual([
        null,
        null,
        third,
      ]);
    });
  });

  test("timestamps and creation times increase while the clock stands still or goes back", async () => {
    const dataDir = temporaryDataDir();
    const realNow = Date.now;
    try {
      let last = 0n;
      let lastCreated = 0;
      for (const now of [2_000_000_000_000, 2_000_000_000_000, 1_900_000_000_000]) {
        Date.now = () => now;
        const database = openTemporary(dataDir);
        for (let i = 0; i < 20; i++) {
          const { _creationTime } = mutate(
            database,
            (transaction) => transaction.get(transaction.insert("t", {}))!.document,
          );
          expect(_creationTime).toBeGreaterThan(lastCreated);
          expect(database.latestTs()).toBeGreaterThan(last);
          [last, lastCreated] = [database.latestTs(), _creationTime];
        }
        await database.close();
      }
    } finally {
      Date.now = realNow;
    }
  });

  test("a directory of another format is refused with what to do", async () => {
    const dataDir = temporaryDataDir();
    const { open } = await import("lmdb");
    const root = open({ path: dataDir, keyEncoding: "binary", maxDbs: 4 });
    root.openDB("meta", { keyEncoding: "binary", encoding: "string" }).putSync(Buffer.from("format"), "0");
    await root.close();
    expect(() => openTemporary(dataDir)).toThrow(/has format 0, .* Delete the directory/);
  });
});
