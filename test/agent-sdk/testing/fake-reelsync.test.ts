import { readdir } from "node:fs/promises";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Reelsync } from "reelsync";
import { createFakeReelsync, type FakeReelsync } from "reelsync/testing";
import { tempDir } from "../../support/temp-dir.ts";
import { describesClient } from "./conformance.ts";

function fakeClient(...options: Parameters<typeof createFakeReelsync>): FakeReelsync {
  const fake = createFakeReelsync(...options);
  onTestFinished(() => fake.reelsync.close());
  return fake;
}

describe("the fake answers as the real client", () => {
  let fake: FakeReelsync;
  describesClient(() => ({
    async client(mode) {
      fake = fakeClient({ mode });
      return fake.reelsync;
    },
    async outage(dependency) {
      const end = fake.faults.outage(dependency);
      return async () => end();
    },
    bytesOf: async (s3Key) => fake.bytesOf(s3Key),
  }));
});

/** What somebody's agent might look like. */
async function renderScene(reelsync: Reelsync, text = "film") {
  const { sessionId } = await reelsync.createSession({ title: "Reel", project: "demo", sessionKey: "run-1" });
  const { sceneId } = await reelsync.upsertScene({ sessionId, sceneKey: "intro", index: 0, title: "Intro" });
  const entity = { type: "scene", id: sceneId } as const;
  return reelsync.uploadWithConvexSync({ file: Buffer.from(text), entity, assetType: "video_chunk" });
}

describe("what a test sees", () => {
  test("every call with its arguments, and everything that was recorded and stored", async () => {
    const fake = fakeClient();
    const { s3Key = "" } = await renderScene(fake.reelsync);
    await fake.reelsync.deadLetters.list();
    expect(fake.calls.map(({ method }) => method)).toEqual([
      "createSession",
      "upsertScene",
      "uploadWithConvexSync",
      "deadLetters.list",
    ]);
    expect(fake.calls[1]?.args[0]).toMatchObject({ sceneKey: "intro" });
    expect(fake.sessions).toMatchObject([{ title: "Reel", status: "live" }]);
    expect(fake.scenes).toMatchObject([{ sceneKey: "intro" }]);
    expect(fake.assets).toMatchObject([{ status: "ready", version: 1, fileName: "chunk.mp4", s3Key }]);
    expect(fake.keys).toEqual([s3Key]);
    expect(Buffer.from(fake.bytesOf(s3Key)).toString()).toBe("film");
    expect(() => fake.bytesOf("nowhere")).toThrow(expect.objectContaining({ code: "NOT_FOUND" }));
  });

  test("bytes alone, through the storage port", async () => {
    const fake = fakeClient();
    const { storage } = fake.reelsync;
    await storage.save("notes/a.txt", Buffer.from("hello"));
    expect(await storage.exists("notes/a.txt")).toBe(true);
    expect(await storage.getTotalSize("notes/")).toBe(5);
    const { body } = await storage.load("notes/a.txt");
    expect(Buffer.concat(await body.toArray()).toString()).toBe("hello");
    await storage.delete("notes/a.txt");
    expect(fake.keys).toEqual([]);
  });

  test("nothing stays on the disk", async () => {
    const folder = await tempDir();
    vi.stubEnv("TMPDIR", folder);
    onTestFinished(() => void vi.unstubAllEnvs());
    const fake = createFakeReelsync({ mode: "queue" });
    fake.faults.outage("s3");
    expect(await renderScene(fake.reelsync)).toMatchObject({ state: "queued" });
    expect(await readdir(folder)).toHaveLength(1);
    await fake.reelsync.close();
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("faults on purpose", () => {
  test("a refusal reaches the caller as it would from the service", async () => {
    const fake = fakeClient({ mode: "strict" });
    fake.faults.refuseNext("convex", "QUOTA_EXCEEDED");
    const session = { title: "Reel", project: "demo", sessionKey: "run-1" };
    await expect(fake.reelsync.createSession(session)).rejects.toMatchObject({ code: "QUOTA_EXCEEDED" });
    await expect(fake.reelsync.createSession(session)).resolves.toMatchObject({ created: true });
  });

  test("a store that denies access parks the upload", async () => {
    const fake = fakeClient({ mode: "strict" });
    fake.faults.refuseNext("s3", "S3_ACCESS_DENIED");
    await expect(renderScene(fake.reelsync)).rejects.toMatchObject({
      code: "S3_ACCESS_DENIED",
      deadLetter: { delivered: true },
    });
    expect(fake.assets).toMatchObject([{ status: "error", errorCode: "S3_ACCESS_DENIED" }]);
  });

  test.each(["s3", "convex"] as const)(
    "[G3] a lost reply of %s is repeated and changes nothing",
    async (service) => {
      const fake = fakeClient({ mode: "strict" });
      await renderScene(fake.reelsync, "one");
      fake.faults.loseNextReply(service);
      expect(await renderScene(fake.reelsync, "two")).toMatchObject({ state: "ready", version: 2 });
      expect(fake.assets).toHaveLength(2);
      expect(fake.sessions).toHaveLength(1);
    },
  );

  test("an outage opens the circuit, and two of them have to end", async () => {
    const fake = fakeClient({ mode: "queue" });
    await renderScene(fake.reelsync, "one");
    const ends = [fake.faults.outage("s3"), fake.faults.outage("s3")];
    const opened = new Promise<void>((resolve) => {
      fake.reelsync.on((event) => {
        if (event.type === "breaker.changed" && event.to.kind === "open") resolve();
      });
    });
    expect(await renderScene(fake.reelsync, "two")).toMatchObject({ state: "queued" });
    await opened;
    ends[0]?.();
    ends[0]?.();
    expect(await renderScene(fake.reelsync, "three")).toMatchObject({ state: "queued" });
    const sent = new Promise<void>((resolve) => {
      fake.reelsync.on((event) => event.type === "journal.sent" && event.version === 3 && resolve());
    });
    ends[1]?.();
    await sent;
    expect(fake.assets.map(({ status }) => status)).toEqual(["superseded", "superseded", "ready"]);
  });
});
