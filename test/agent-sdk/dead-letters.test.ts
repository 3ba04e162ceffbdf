import { createHash, randomBytes, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { ConvexHttpClient } from "convex/browser";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ReelsyncError, ReelsyncEvent, UploadRequest } from "reelsync";
import { MIB } from "../../contract/limits.ts";
import { api } from "../../convex/_generated/api.js";
import { startFaultProxy } from "./support/fault-proxy.ts";
import { QUICK_RETRY, startStudio, type Client } from "./support/studio.ts";

const studio = startStudio();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

function until<T extends ReelsyncEvent["type"]>(
  { reelsync }: Client,
  type: T,
): Promise<ReelsyncEvent & { type: T }> {
  return new Promise((resolve) => {
    const stop = reelsync.on((event) => {
      if (event.type !== type) return;
      stop();
      resolve(event as ReelsyncEvent & { type: T });
    });
  });
}

/** A client whose S3 answers every PUT with an error until it is mended. */
async function clientWithBrokenS3() {
  const proxy = await startFaultProxy(studio.stack.local.objectStore.endpoint);
  const client = studio.client({ s3: { endpoint: proxy.url, maxAttempts: 1 } });
  const { sceneId } = await studio.scene(client.reelsync);
  proxy.spoil = ({ method }) => (method === "PUT" ? { status: 503 } : undefined);
  return { client, sceneId, mend: () => (proxy.spoil = () => undefined) };
}

async function failUpload({ reelsync }: Client, sceneId: string, request: Partial<UploadRequest>) {
  const error = await reelsync
    .uploadWithConvexSync({
      file: Buffer.from("film"),
      entity: { type: "scene", id: sceneId },
      assetType: "video_chunk",
      ...request,
    })
    .then(
      () => undefined,
      (thrown: unknown) => thrown as ReelsyncError,
    );
  if (error?.deadLetter === undefined) throw new Error(`nothing was parked: ${String(error)}`);
  return { error, id: error.deadLetter.id };
}

const letterRow = async (id: string) =>
  (await studio.rows("deadLetters")).find(({ uploadId }) => uploadId === id) as Record<string, unknown>;
const assetsOf = async (sceneId: string) =>
  (await studio.rows("assets")).filter(({ entityId }) => entityId === sceneId);

describe("[G1] an upload that runs out of attempts", () => {
  test("is parked with its cause and what a replay needs, and its row says why", async () => {
    const { client, sceneId } = await clientWithBrokenS3();
    const file = await studio.file("scene.mp4", randomBytes(1000));
    const { error, id } = await failUpload(client, sceneId, { file });
    expect(error).toMatchObject({ code: "S3_UNAVAILABLE", retryable: true, deadLetter: { delivered: true } });
    expect(await letterRow(id)).toMatchObject({
      state: "parked",
      code: "S3_UNAVAILABLE",
      step: "upload",
      attempts: 3,
      filePath: file,
      sceneId,
    });
    expect(await assetsOf(sceneId)).toMatchObject([
      { status: "error", errorCode: "S3_UNAVAILABLE", version: 1 },
    ]);
    const [listed] = (await client.reelsync.deadLetters.list()).filter((letter) => letter.id === id);
    expect(listed).toMatchObject({ state: "parked", step: "upload", filePath: file });
  });

  test("leaves no secret in what is parked", async () => {
    const { client, sceneId } = await clientWithBrokenS3();
    await failUpload(client, sceneId, { file: randomBytes(10) });
    const { AWS_SECRET_ACCESS_KEY = "", REELSYNC_AGENT_KEY = "" } = studio.stack.agentEnv;
    const parked = JSON.stringify(await studio.rows("deadLetters")) + JSON.stringify(client.events);
    const [folder = ""] = await readdir(client.deadLetterDir);
    const onDisk = await readFile(join(client.deadLetterDir, folder, "letter.json"), "utf8");
    for (const secret of [AWS_SECRET_ACCESS_KEY, REELSYNC_AGENT_KEY]) {
      expect(secret).not.toBe("");
      expect(parked + onDisk).not.toContain(secret);
    }
  });
});

test("[G1] a call whose time ran out before anything was begun says so, and leaves nothing", async () => {
  const client = studio.client();
  const { sceneId } = await studio.scene(client.reelsync);
  const never = new Readable({ read: () => undefined });
  const error = await client.reelsync
    .uploadWithConvexSync({
      file: never,
      entity: { type: "scene", id: sceneId },
      assetType: "video_chunk",
      timeoutMs: 50,
    })
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "DEADLINE_EXCEEDED" });
  expect((error as ReelsyncError).deadLetter).toBeUndefined();
  expect((error as Error).message).toMatch(/^Nothing was begun: /);
  expect(await assetsOf(sceneId)).toEqual([]);
});

describe("[G3] a replay", () => {
  test("shows its progress, and stays a letter that can be replayed when it is cancelled", async () => {
    const { client, sceneId, mend } = await clientWithBrokenS3();
    const { id } = await failUpload(client, sceneId, { file: randomBytes(1000) });
    mend();
    const controller = new AbortController();
    const cancelled = client.reelsync.deadLetters.replay(id, {
      signal: controller.signal,
      onProgress: ({ phase }) => phase === "uploading" && controller.abort(),
    });
    await expect(cancelled).rejects.toMatchObject({ code: "ABORTED" });
    expect(await letterRow(id)).toMatchObject({ state: "parked", code: "ABORTED" });
    const phases = new Set<string>();
    const result = await client.reelsync.deadLetters.replay(id, {
      onProgress: ({ phase }) => phases.add(phase),
    });
    expect(result).toMatchObject({ state: "ready", version: 1 });
    expect([...phases]).toEqual(["hashing", "uploading", "syncing", "done"]);
  });

  test("sends the same upload again: same id, same row, same version; the letter is resolved", async () => {
    const { client, sceneId, mend } = await clientWithBrokenS3();
    const bytes = randomBytes(1000);
    const { id } = await failUpload(client, sceneId, { file: await studio.file("scene.mp4", bytes) });
    mend();
    const result = await client.reelsync.deadLetters.replay(id);
    expect(result).toMatchObject({ state: "ready", version: 1, sha256: sha256(bytes) });
    expect(await assetsOf(sceneId)).toMatchObject([{ status: "ready", version: 1 }]);
    expect(await letterRow(id)).toMatchObject({ state: "resolved" });
    expect(await studio.bucket.sha256(result.s3Key)).toBe(sha256(bytes));
    await expect(client.reelsync.deadLetters.replay(id)).rejects.toMatchObject({ code: "CONFLICT" });
  });

  test.each<[string, (bytes: Buffer) => UploadRequest["file"]]>([
    ["a buffer", (bytes) => bytes],
    ["a stream", (bytes) => Readable.from([bytes])],
  ])(
    "of %s finds the bytes that were kept, also in another process, and cleans up",
    async (_what, source) => {
      const { client, sceneId } = await clientWithBrokenS3();
      const bytes = randomBytes(50_000);
      const { id } = await failUpload(client, sceneId, { file: source(bytes) });
      expect((await readdir(join(client.deadLetterDir, id))).sort()).toEqual(["bytes", "letter.json"]);
      await client.reelsync.close();

      const { reelsync } = studio.client({ deadLetterDir: client.deadLetterDir });
      const result = await reelsync.deadLetters.replay(id);
      expect(await studio.bucket.sha256(result.s3Key)).toBe(sha256(bytes));
      expect(await readdir(client.deadLetterDir)).toEqual([]);
    },
  );

  test("never puts older content over what was uploaded since [G4]", async () => {
    const { client, sceneId, mend } = await clientWithBrokenS3();
    const { id } = await failUpload(client, sceneId, { file: randomBytes(1000) });
    mend();
    const newer = await client.reelsync.uploadWithConvexSync({
      file: randomBytes(1000),
      entity: { type: "scene", id: sceneId },
      assetType: "video_chunk",
    });
    const replayed = await client.reelsync.deadLetters.replay(id);
    expect(newer).toMatchObject({ version: 2, state: "ready" });
    expect(replayed).toMatchObject({ version: 1, state: "superseded" });
    const rows = await assetsOf(sceneId);
    expect(rows.map(({ version, status }) => [version, status])).toEqual([
      [1, "superseded"],
      [2, "ready"],
    ]);
  });

  test.each<[string, string, (path: string) => Promise<unknown>]>([
    ["a file that is gone", "FILE_NOT_FOUND", (path) => rm(path)],
    ["a file with other content", "FILE_CHANGED", (path) => writeFile(path, "other")],
  ])("of %s fails with its own code and leaves the letter parked", async (_what, code, change) => {
    const { client, sceneId, mend } = await clientWithBrokenS3();
    const file = await studio.file("scene.mp4", randomBytes(1000));
    const { id } = await failUpload(client, sceneId, { file });
    mend();
    await change(file);
    await expect(client.reelsync.deadLetters.replay(id)).rejects.toMatchObject({ code });
    expect(await letterRow(id)).toMatchObject({ state: "parked" });
  });

  test("that fails for a reason of any length tells it cut and without secrets, and parks the letter", async () => {
    const { client, sceneId, mend } = await clientWithBrokenS3();
    const { AWS_SECRET_ACCESS_KEY = "" } = studio.stack.agentEnv;
    const near = await studio.file("near", "");
    const folder = join(near, "..", AWS_SECRET_ACCESS_KEY, ...Array<string>(12).fill("f".repeat(200)));
    await mkdir(folder, { recursive: true });
    const file = join(folder, "scene.mp4");
    await writeFile(file, randomBytes(1000));
    const { id } = await failUpload(client, sceneId, { file });
    mend();
    await rm(file);
    await expect(client.reelsync.deadLetters.replay(id)).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
    const { state, code, message } = await letterRow(id);
    expect({ state, code }).toEqual({ state: "parked", code: "FILE_NOT_FOUND" });
    expect(message).toHaveLength(2_000);
    expect(message).not.toContain(AWS_SECRET_ACCESS_KEY);
  });

  test("of an id nobody knows is NOT_FOUND", async () => {
    const { reelsync } = studio.client();
    await expect(reelsync.deadLetters.replay("nothing")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("[G1] while Convex cannot be told", () => {
  test("letters wait on disk, and are delivered at the next success", async () => {
    const proxy = await startFaultProxy(studio.stack.local.deployment.url);
    const client = studio.client({ convexUrl: proxy.url });
    const { sceneId } = await studio.scene(client.reelsync);
    proxy.spoil = () => ({ status: 503 });
    const { error, id } = await failUpload(client, sceneId, { file: randomBytes(100), timeoutMs: 1_000 });
    expect(error).toMatchObject({ deadLetter: { delivered: false }, retryable: true });
    expect(await letterRow(id)).toBeUndefined();
    const waiting = (await readdir(client.deadLetterDir)).sort();
    expect(waiting).toEqual([id]);

    proxy.spoil = () => undefined;
    const delivered = until(client, "deadLetter.delivered");
    await client.reelsync.deadLetters.list();
    await delivered;
    expect(await letterRow(id)).toMatchObject({ state: "parked", step: "begin" });
    expect(await client.reelsync.deadLetters.replay(id)).toMatchObject({ state: "ready", version: 1 });
    expect(await letterRow(id)).toMatchObject({ state: "resolved" });
    expect(await readdir(client.deadLetterDir)).toEqual([]);
  }, 60_000);

  test("letters of a process that ended are delivered when the next one starts", async () => {
    const proxy = await startFaultProxy(studio.stack.local.deployment.url);
    const first = studio.client({ convexUrl: proxy.url });
    const { sceneId } = await studio.scene(first.reelsync);
    proxy.spoil = () => ({ status: 503 });
    const file = await studio.file("scene.mp4", randomBytes(100));
    const { id } = await failUpload(first, sceneId, { file, timeoutMs: 1_000 });
    await first.reelsync.close();
    // What a process leaves that died while parking is passed over.
    await mkdir(join(first.deadLetterDir, "half-parked"));
    await writeFile(join(first.deadLetterDir, "half-parked", "letter.json"), "{");

    const second = studio.client({ deadLetterDir: first.deadLetterDir });
    await until(second, "deadLetter.delivered");
    expect(await letterRow(id)).toMatchObject({ state: "parked", filePath: file });
    expect(await readdir(first.deadLetterDir)).toEqual(["half-parked"]);
  }, 60_000);
});

describe("on an admin's word", () => {
  const ask = async (...ids: string[]) => {
    const admin = new ConvexHttpClient(studio.stack.local.deployment.url, { logger: false });
    admin.setAuth(await studio.stack.tokenFor("ada"));
    for (const id of ids) {
      const deadLetterId = (await letterRow(id))["_id"] as string;
      await admin.mutation(api.deadLetters.requestReplay, { deadLetterId });
    }
  };

  /** Three letters that an admin asks for, while S3 answers a PUT no sooner than the test says. */
  async function slowReplays() {
    const proxy = await startFaultProxy(studio.stack.local.objectStore.endpoint);
    // One attempt each: five failures would open the circuit.
    const once = { ...QUICK_RETRY, attempts: 1 };
    const client = studio.client({
      agentName: randomUUID(),
      s3: { endpoint: proxy.url, maxAttempts: 1 },
      retry: once,
    });
    const { sceneId } = await studio.scene(client.reelsync);
    proxy.spoil = ({ method }) => (method === "PUT" ? { status: 503 } : undefined);
    const file = await studio.file("scene.mp4", randomBytes(2 * MIB));
    const ids: string[] = [];
    for (const chunkIndex of [0, 1, 2]) {
      const { id } = await failUpload(client, sceneId, { file, chunkIndex });
      ids.push(id);
    }
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const sending = new Promise<void>((resolve) => {
      proxy.spoil = ({ method }) => {
        if (method !== "PUT") return undefined;
        resolve();
        return () => answered;
      };
    });
    onTestFinished(answer);
    const states = async () =>
      (await Promise.all(ids.map(letterRow))).map((row) => row["state"] as string).sort();
    return { client, ids, file, sending, answer, states };
  }

  test("a watch that is closed ends the replay under way and begins none of the others", async () => {
    const { client, ids, sending, answer, states } = await slowReplays();
    await ask(...ids);
    const watch = client.reelsync.deadLetters.watch();
    await sending;
    const closed = watch.close();
    answer();
    await closed;
    expect(await states()).toEqual(["replay_requested", "replay_requested", "resolved"]);
    // The next one goes on with what is still asked for.
    client.reelsync.deadLetters.watch();
    await expect.poll(states, { timeout: 10_000 }).toEqual(["resolved", "resolved", "resolved"]);
  });

  test("the grace of a close bounds the replay under way; its letter says what ended it", async () => {
    const { client, ids, sending, states } = await slowReplays();
    await ask(...ids);
    client.reelsync.deadLetters.watch();
    await sending;
    const from = performance.now();
    await client.reelsync.close({ graceMs: 200 });
    expect(performance.now() - from).toBeLessThan(5_000);
    expect(await states()).toEqual(["parked", "replay_requested", "replay_requested"]);
    const codes = (await Promise.all(ids.map(letterRow))).map((row) => row["code"]);
    expect(codes).toContain("DEADLINE_EXCEEDED");
  });

  test("a replay that cannot be claimed is told, and tried again without being asked for twice", async () => {
    const { client, sceneId, mend } = await clientWithBrokenS3();
    const { id } = await failUpload(client, sceneId, { file: await studio.file("a.mp4", randomBytes(1000)) });
    mend();
    const proxy = await startFaultProxy(studio.stack.local.deployment.url);
    let refusals = 2;
    proxy.spoil = ({ body }) =>
      body.includes("deadLetters:claim") && refusals-- > 0 ? { status: 400, body: "{}" } : undefined;
    const second = studio.client({ convexUrl: proxy.url, deadLetterDir: client.deadLetterDir });
    second.reelsync.deadLetters.watch();
    const replayed = until(second, "deadLetter.replayed");
    await ask(id);
    expect(await replayed).toMatchObject({ uploadId: id, outcome: "resolved" });
    const warnings = second.events.filter((event) => event.type === "warning");
    expect(warnings.map(({ about, code }) => [about.split(" ")[0], code])).toEqual([
      ["claiming", "CONVEX_FAILED"],
      ["claiming", "CONVEX_FAILED"],
    ]);
  });

  test("a replay that was killed is held until its lease ends, and then goes on without being asked for twice", async () => {
    const { client, ids, answer } = await slowReplays();
    const [id = ""] = ids;
    answer();
    await ask(id);
    const { CONVEX_SITE_URL = "", REELSYNC_AGENT_KEY = "" } = studio.stack.agentEnv;
    const headers = { Authorization: `Bearer ${REELSYNC_AGENT_KEY}` };
    const reply = await fetch(`${CONVEX_SITE_URL}/agent/token`, { method: "POST", headers });
    const killed = new ConvexHttpClient(studio.stack.local.deployment.url, { logger: false });
    killed.setAuth(((await reply.json()) as { token: string }).token);
    const deadLetterId = (await letterRow(id))["_id"] as string;
    await killed.mutation(api.deadLetters.claim, { deadLetterId, claimId: "killed", leaseMs: 3_000 });
    await expect(client.reelsync.deadLetters.replay(id)).rejects.toMatchObject({
      code: "CONFLICT",
      message: expect.stringMatching(/another process until \d{4}-.* at the latest/) as string,
    });
    client.reelsync.deadLetters.watch();
    const state = async () => (await letterRow(id))["state"];
    expect(await state()).toBe("replaying");
    await expect.poll(state, { timeout: 20_000 }).toBe("resolved");
  });

  test("what is asked for again while its replay fails is replayed again", async () => {
    const { client, ids, sending, answer, file } = await slowReplays();
    const [id = ""] = ids;
    const codes: unknown[] = [];
    client.reelsync.on((event) => event.type === "deadLetter.replayed" && codes.push(event.code));
    await ask(id);
    const watch = client.reelsync.deadLetters.watch();
    await sending;
    await writeFile(file, "other");
    await ask(id);
    answer();
    await expect.poll(() => codes, { timeout: 10_000 }).toEqual(["FILE_CHANGED", "FILE_CHANGED"]);
    await watch.close();
    expect(await letterRow(id)).toMatchObject({ state: "parked" });
  });

  test("the agent that watches replays what is asked for, and only then", async () => {
    const { client, sceneId, mend } = await clientWithBrokenS3();
    const bytes = randomBytes(1000);
    const { id } = await failUpload(client, sceneId, { file: await studio.file("scene.mp4", bytes) });
    mend();
    const watch = client.reelsync.deadLetters.watch();
    const admin = new ConvexHttpClient(studio.stack.local.deployment.url, { logger: false });
    admin.setAuth(await studio.stack.tokenFor("ada"));
    const deadLetterId = (await letterRow(id))["_id"] as string;
    expect(await letterRow(id)).toMatchObject({ state: "parked" });

    const replayed = until(client, "deadLetter.replayed");
    await admin.mutation(api.deadLetters.requestReplay, { deadLetterId });
    expect(await replayed).toMatchObject({ uploadId: id, outcome: "resolved" });
    expect(await letterRow(id)).toMatchObject({ state: "resolved" });
    expect(await assetsOf(sceneId)).toMatchObject([{ status: "ready", checksum: sha256(bytes) }]);
    await watch.close();
  });

  test("a replay that fails again puts the letter back with its new cause", async () => {
    const { client, sceneId } = await clientWithBrokenS3();
    const file = await studio.file("scene.mp4", randomBytes(1000));
    const { id } = await failUpload(client, sceneId, { file });
    await rm(file);
    client.reelsync.deadLetters.watch();
    const admin = new ConvexHttpClient(studio.stack.local.deployment.url, { logger: false });
    admin.setAuth(await studio.stack.tokenFor("ada"));
    const replayed = until(client, "deadLetter.replayed");
    await admin.mutation(api.deadLetters.requestReplay, {
      deadLetterId: (await letterRow(id))["_id"] as string,
    });
    expect(await replayed).toMatchObject({ outcome: "parked", code: "FILE_NOT_FOUND" });
    await client.reelsync.close();
    expect(await letterRow(id)).toMatchObject({ state: "parked", code: "FILE_NOT_FOUND", attempts: 4 });
  });
});
