/** The log of uploads on their way: what a process that is killed at any moment leaves in it is what its heir finds. */
import { randomUUID } from "node:crypto";
import { appendFile, mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { AssetIntent } from "../../../contract/asset.ts";
import { markCall } from "../../../agent-sdk/src/call-mark.ts";
import { createEvents, type ReelsyncEvent } from "../../../agent-sdk/src/events.ts";
import { createAheadLog, readAheadLog } from "../../../agent-sdk/src/journal/ahead-log.ts";
import { journalDepth } from "../../../agent-sdk/src/journal/depth.ts";
import { createJournal } from "../../../agent-sdk/src/journal/journal.ts";
import { tempDir } from "../../support/temp-dir.ts";

const { signal } = new AbortController();
const LIMITS = { maxEntries: 1_000, maxBytes: 1_000_000, waitForRoomMs: 10 };
const recordOf = (uploadId: string, filler = "") => ({ intent: { uploadId }, filler });
const parse = (text: string) => {
  try {
    return JSON.parse(text) as ReturnType<typeof recordOf>;
  } catch {
    return undefined;
  }
};
const idsIn = async (path: string) =>
  (await readAheadLog(path, parse)).alive.map(({ intent }) => intent.uploadId);

describe("[G1] the log of uploads on their way", () => {
  test("holds every upload that was noted and not forgotten, whatever happened beside it", async () => {
    const path = join(await tempDir(), "ahead.log");
    const log = createAheadLog(path);
    const ids = Array.from({ length: 100 }, () => randomUUID());
    await Promise.all(ids.map((id) => log.note(id, recordOf(id))));
    expect((await idsIn(path)).sort()).toEqual([...ids].sort());
    await Promise.all(ids.slice(0, 99).map((id) => log.forget(id)));
    expect(await idsIn(path)).toEqual(ids.slice(99));
    await log.close();
    expect(await idsIn(path)).toEqual(ids.slice(99));
  });

  test("is emptied when nothing in it is alive, and gone when it is closed then", async () => {
    const path = join(await tempDir(), "ahead.log");
    const log = createAheadLog(path);
    await log.note("one", recordOf("one"));
    await log.forget("one");
    expect((await stat(path)).size).toBe(0);
    await log.note("two", recordOf("two"));
    expect(await idsIn(path)).toEqual(["two"]);
    await log.forget("two");
    await log.close();
    await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("stays short however many uploads go through it beside a long one", async () => {
    const path = join(await tempDir(), "ahead.log");
    const log = createAheadLog(path);
    await log.note("long", recordOf("long"));
    const filler = "x".repeat(100_000);
    for (let count = 0; count < 50; count++) {
      await log.note(`${count}`, recordOf(`${count}`, filler));
      await log.forget(`${count}`);
    }
    expect((await stat(path)).size).toBeLessThan(2_000_000);
    expect(await idsIn(path)).toEqual(["long"]);
    await log.close();
  });

  test("that could not be written says so, and holds what comes once it can be again", async () => {
    const folder = join(await tempDir(), "gone");
    const log = createAheadLog(join(folder, "ahead.log"));
    await expect(log.note("lost", recordOf("lost"))).rejects.toMatchObject({ code: "ENOENT" });
    await mkdir(folder);
    await log.note("kept", recordOf("kept"));
    expect(await idsIn(join(folder, "ahead.log"))).toEqual(["kept"]);
    await log.close();
  });
});

describe("[G1] a journal whose process was killed", () => {
  function intentOf(uploadId: string): AssetIntent {
    const slot = { entityType: "scene", entityId: "scene", assetType: "video_chunk", chunkIndex: 0 } as const;
    const content = { fileName: "a.mp4", contentType: "video/mp4", size: 4, sha256: "0".repeat(64) };
    return { uploadId, ...slot, ...content };
  }

  function open(folder: string) {
    const events: ReelsyncEvent[] = [];
    const emitter = createEvents();
    emitter.on((event) => events.push(event));
    return { journal: createJournal(folder, LIMITS, emitter), events };
  }

  /** As a process leaves it that is killed: its lease names nobody who lives. */
  async function killed(folder: string, uploads: number): Promise<{ ids: string[]; owner: string }> {
    const { journal } = open(folder);
    const ids: string[] = [];
    for (let count = 0; count < uploads; count++) {
      const id = randomUUID();
      ids.push(id);
      const entry = await journal.admit({ id, madeAt: markCall() }, 0, signal);
      await entry.writeAhead(intentOf(id), { path: "/renders/a.mp4" }, false);
    }
    const [owner = ""] = await readdir(folder);
    expect(await readdir(join(folder, owner))).toEqual(["ahead.log", "lease.json"]);
    await rm(join(folder, owner, "lease.json"));
    return { ids, owner };
  }

  test("hands over what it was busy with, in its order, but for a line it did not finish", async () => {
    const folder = await tempDir();
    const { ids, owner } = await killed(folder, 5);
    await appendFile(join(folder, owner, "ahead.log"), '{"layout":1,"sequ');
    expect(await journalDepth(folder)).toMatchObject({ waiting: 5, underWay: 0 });
    const { journal } = open(folder);
    expect(await journal.takeOver()).toBe(5);
    expect(journal.waiting().map(({ uploadId }) => uploadId)).toEqual(ids);
    expect(journal.waiting()[0]?.record).toMatchObject({ path: "/renders/a.mp4", acknowledged: false });
    expect(await readdir(folder)).not.toContain(owner);
    for (const entry of journal.waiting()) await entry.remove();
    await journal.close();
    expect(await readdir(folder).catch(() => [])).toEqual([]);
  });

  test("hands each upload to exactly one of two that try at once", async () => {
    const folder = await tempDir();
    const { ids } = await killed(folder, 20);
    const heirs = [open(folder), open(folder)] as const;
    await Promise.all(heirs.map(({ journal }) => journal.takeOver()));
    const found = heirs.flatMap(({ journal }) => journal.waiting().map(({ uploadId }) => uploadId));
    expect(found.sort()).toEqual([...ids].sort());
    for (const { journal } of heirs) await journal.close();
  });

  test("has its log moved aside when a line of it cannot be read, and the others are gone on with", async () => {
    const folder = await tempDir();
    const { ids, owner } = await killed(folder, 2);
    await appendFile(join(folder, owner, "ahead.log"), "{]\n");
    const { journal, events } = open(folder);
    expect(await journal.takeOver()).toBe(2);
    expect(journal.waiting().map(({ uploadId }) => uploadId)).toEqual(ids);
    expect(events.filter(({ type }) => type === "journal.quarantined")).toHaveLength(1);
    const [kept = ""] = await readdir(join(folder, "quarantine"));
    expect(await readFile(join(folder, "quarantine", kept), "utf8")).toContain("{]");
    await journal.close();
  });

  test("is taken over again when its heir was killed before every upload had its folder", async () => {
    const folder = await tempDir();
    const { ids, owner } = await killed(folder, 3);
    const log = await readFile(join(folder, owner, "ahead.log"), "utf8");
    const heir = open(folder);
    await heir.journal.takeOver();
    const [its = ""] = (await readdir(folder)).filter((name) => name !== "quarantine");
    await appendFile(join(folder, its, "ahead-123456.log"), log);
    await rm(join(folder, its, "lease.json"));
    const { journal } = open(folder);
    expect(await journal.takeOver()).toBe(3);
    expect(journal.waiting().map(({ uploadId }) => uploadId)).toEqual(ids);
    await journal.close();
  });
});
