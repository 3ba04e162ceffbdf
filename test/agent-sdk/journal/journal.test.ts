import { randomUUID } from "node:crypto";
import { appendFile, mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { AssetIntent } from "../../../contract/asset.ts";
import { markCall } from "../../../agent-sdk/src/call-mark.ts";
import { createEvents, type ReelsyncEvent } from "../../../agent-sdk/src/events.ts";
import { memoryFile } from "../../../agent-sdk/src/file/asset-file.ts";
import { createJournal } from "../../../agent-sdk/src/journal/journal.ts";
import { isAbandoned, ownLease, STALE_AFTER_MS } from "../../../agent-sdk/src/journal/lease.ts";
import { createPartLedger } from "../../../agent-sdk/src/journal/part-ledger.ts";
import { createRoom } from "../../../agent-sdk/src/journal/room.ts";
import { tempDir } from "../../support/temp-dir.ts";

const LIMITS = { maxEntries: 100, maxBytes: 1_000_000, waitForRoomMs: 10 };
const { signal } = new AbortController();

function intentOf(uploadId: string): AssetIntent {
  return {
    uploadId,
    entityType: "scene",
    entityId: "scene",
    assetType: "video_chunk",
    chunkIndex: 0,
    fileName: "a.mp4",
    contentType: "video/mp4",
    size: 4,
    sha256: "0".repeat(64),
  };
}

function open(folder: string) {
  const events: ReelsyncEvent[] = [];
  const emitter = createEvents();
  emitter.on((event) => events.push(event));
  return { journal: createJournal(folder, LIMITS, emitter), events };
}

async function queue(journal: ReturnType<typeof open>["journal"]): Promise<string> {
  const uploadId = randomUUID();
  const entry = await journal.admit({ id: uploadId, madeAt: markCall() }, 4, signal);
  await entry.acknowledge(intentOf(uploadId), memoryFile(Buffer.from("film")), "S3_UNAVAILABLE");
  journal.leave(entry);
  return uploadId;
}

describe("a lease", () => {
  async function leased(change: Partial<ReturnType<typeof ownLease>>, beatenMsAgo = 0): Promise<string> {
    const folder = await tempDir();
    await writeFile(join(folder, "lease.json"), JSON.stringify({ ...ownLease(), ...change }));
    const then = new Date(Date.now() - beatenMsAgo);
    await utimes(join(folder, "lease.json"), then, then);
    return folder;
  }

  test("of a living process is kept, however long ago its heart beat", async () => {
    expect(await isAbandoned(await leased({}, 10 * STALE_AFTER_MS))).toBe(process.platform !== "linux");
  });

  test("of a process that is gone is free at once", async () => {
    // Above the highest pid a kernel gives.
    expect(await isAbandoned(await leased({ pid: 4_194_305 }))).toBe(true);
  });

  test.runIf(process.platform === "linux")(
    "of a process whose pid went to another is free at once",
    async () => {
      expect(await isAbandoned(await leased({ startedAt: "1" }))).toBe(true);
    },
  );

  test("of another machine is free when its heart has stopped for long enough", async () => {
    expect(await isAbandoned(await leased({ machine: "elsewhere" }, STALE_AFTER_MS / 2))).toBe(false);
    expect(await isAbandoned(await leased({ machine: "elsewhere" }, 2 * STALE_AFTER_MS))).toBe(true);
  });

  test("that cannot be read is judged by its heartbeat", async () => {
    const folder = await tempDir();
    await writeFile(join(folder, "lease.json"), "{");
    expect(await isAbandoned(folder)).toBe(false);
    expect(await isAbandoned(folder, Date.now() + 2 * STALE_AFTER_MS)).toBe(true);
  });
});

describe("[G1] a journal", () => {
  test("leaves a living owner's entries alone, and hands a dead one's over in their order", async () => {
    const folder = await tempDir();
    const first = open(folder);
    const queued = [await queue(first.journal), await queue(first.journal), await queue(first.journal)];
    const second = open(folder);
    expect(await second.journal.takeOver()).toBe(process.platform === "linux" ? 0 : expect.any(Number));
    await first.journal.close();
    expect(await second.journal.takeOver()).toBe(3);
    expect(second.journal.waiting().map(({ uploadId }) => uploadId)).toEqual(queued);
    const later = await queue(second.journal);
    expect(second.journal.waiting().at(-1)?.uploadId).toBe(later);
    await second.journal.close();
  });

  test("gives each entry of a dead owner to exactly one of two that try at once", async () => {
    const folder = await tempDir();
    const dead = open(folder);
    for (let count = 0; count < 20; count++) await queue(dead.journal);
    await dead.journal.close();
    const heirs = [open(folder), open(folder)] as const;
    const taken = await Promise.all(heirs.map(({ journal }) => journal.takeOver()));
    expect(taken.reduce((sum, count) => sum + count, 0)).toBe(20);
    const ids = heirs.flatMap(({ journal }) => journal.waiting().map(({ uploadId }) => uploadId));
    expect(new Set(ids).size).toBe(20);
    for (const { journal } of heirs) await journal.close();
  });

  test("moves an entry that cannot be read aside, and goes on with the others", async () => {
    const folder = await tempDir();
    const dead = open(folder);
    const whole = await queue(dead.journal);
    const torn = await queue(dead.journal);
    const foreign = await queue(dead.journal);
    await dead.journal.close();
    const [owner = ""] = await readdir(folder);
    const text = await readFile(join(folder, owner, torn, "entry.json"), "utf8");
    await writeFile(join(folder, owner, torn, "entry.json"), text.slice(0, -20));
    await writeFile(join(folder, owner, foreign, "entry.json"), text);
    // What was begun to be written by a process killed then was acknowledged to nobody.
    const half = join(folder, owner, randomUUID());
    await mkdir(half);
    await writeFile(join(half, "entry.json.draft"), "{");
    await writeFile(join(folder, owner, "ahead.log.draft"), "{");

    const { journal, events } = open(folder);
    expect(await journal.takeOver()).toBe(1);
    expect(journal.waiting().map(({ uploadId }) => uploadId)).toEqual([whole]);
    expect(events.filter(({ type }) => type === "journal.quarantined")).toHaveLength(2);
    const kept = await readdir(join(folder, "quarantine"));
    expect(kept.map((name) => name.slice(0, 36)).sort()).toEqual([torn, foreign].sort());
    expect(await readdir(folder)).not.toContain(owner);
    expect((await stat(join(folder, "quarantine", kept[0] ?? "", "bytes"))).size).toBe(4);
    await journal.close();
  });
});

test("what a process left that was killed while it made its folder is removed once it is old, and not before", async () => {
  const folder = await tempDir();
  const [old, young] = [join(folder, "7-old.draft"), join(folder, "8-young.draft")];
  const then = new Date(Date.now() - 2 * STALE_AFTER_MS);
  for (const draft of [old, young]) {
    await mkdir(draft);
    await writeFile(join(draft, "lease.json.draft"), "{");
  }
  await utimes(old, then, then);
  await open(folder).journal.takeOver();
  expect(await readdir(folder)).toEqual(["8-young.draft"]);
});

describe("a ledger of parts", () => {
  test("is read back without its torn last line", async () => {
    const path = join(await tempDir(), "parts");
    const ledger = createPartLedger();
    ledger.keepIn(path);
    ledger.begin({ s3UploadId: "upload", key: "a/b", partSize: 5 });
    ledger.acknowledge(2, '"two"');
    ledger.acknowledge(1, '"one"');
    await appendFile(path, '3 "thr');
    const found = createPartLedger();
    found.keepIn(path);
    expect(found.open).toEqual({
      s3UploadId: "upload",
      key: "a/b",
      partSize: 5,
      etags: new Map([
        [2, '"two"'],
        [1, '"one"'],
      ]),
    });
  });

  test("that is no ledger is none", async () => {
    const path = join(await tempDir(), "parts");
    await writeFile(path, "\0\0\0");
    const ledger = createPartLedger();
    ledger.keepIn(path);
    expect(ledger.open).toBeUndefined();
  });
});

describe("room", () => {
  test("is given in the order it was asked for, as it comes free", async () => {
    const room = createRoom({ maxEntries: 2, maxBytes: 10, waitForRoomMs: 1_000 });
    const [a, b] = [await room.take(6, signal), await room.take(4, signal)];
    const order: string[] = [];
    const c = room.take(5, signal).then((give) => (order.push("c"), give));
    const d = room.take(1, signal).then((give) => (order.push("d"), give));
    b();
    a();
    a();
    await Promise.all([c, d]);
    expect(order).toEqual(["c", "d"]);
  });

  test("[G7] that never comes is refused with a code, at once when it cannot come", async () => {
    const room = createRoom({ maxEntries: 1, maxBytes: 10, waitForRoomMs: 5 });
    await room.take(1, signal);
    await expect(room.take(1, signal)).rejects.toMatchObject({ code: "JOURNAL_FULL" });
    await expect(room.take(11, signal)).rejects.toMatchObject({ code: "JOURNAL_FULL" });
    await expect(room.take(1, AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
  });
});
