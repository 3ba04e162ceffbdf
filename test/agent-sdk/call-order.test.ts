import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { ReelsyncOptions, UploadRequest } from "reelsync";
import { startFaultProxy } from "./support/fault-proxy.ts";
import { startStudio, type Client } from "./support/studio.ts";

const studio = startStudio();
const ONE_ATTEMPT = { attempts: 1, baseDelayMs: 1, maxDelayMs: 1 };
/** Short: how often the transport repeats what does not answer is not what is shown here. */
const BROKEN_MS = 700;

async function convexThatBreaks(what: RegExp) {
  const proxy = await startFaultProxy(studio.stack.local.deployment.url);
  const options: ReelsyncOptions = { convexUrl: proxy.url, retry: ONE_ATTEMPT };
  return {
    options,
    fail: () => (proxy.spoil = ({ body }) => (what.test(body) ? "breakConnection" : undefined)),
    mend: () => (proxy.spoil = () => undefined),
  };
}

function upload({ reelsync }: Client, sceneId: string, request: Partial<UploadRequest> = {}) {
  return reelsync.uploadWithConvexSync({
    file: randomBytes(100),
    entity: { type: "scene", id: sceneId },
    assetType: "video_chunk",
    ...request,
  });
}

async function failedUpload(client: Client, sceneId: string): Promise<string> {
  const error = await upload(client, sceneId, { timeoutMs: BROKEN_MS }).catch((thrown: unknown) => thrown);
  const { id } = (error as { deadLetter?: { id: string } }).deadLetter ?? {};
  if (id === undefined) throw new Error(`nothing was parked: ${String(error)}`);
  return id;
}

async function current(sceneId: string) {
  const rows = await studio.rows("assets");
  return rows.find(({ entityId, status }) => entityId === sceneId && status === "ready");
}

describe("[G4] older content that never reached the deployment does not replace newer content when it does", () => {
  test.each([
    ["its letter was delivered", /assets:begin/],
    ["its letter waited on the disk", /assets:begin|deadLetters:record/],
  ])("as a dead letter replayed by another process, when %s", async (_when, broken) => {
    const { options, fail, mend } = await convexThatBreaks(broken);
    const first = studio.client(options);
    const { sceneId } = await studio.scene(first.reelsync);
    fail();
    const id = await failedUpload(first, sceneId);
    const newer = await upload(studio.client(), sceneId);
    await first.reelsync.close();
    mend();

    const second = studio.client({ ...options, deadLetterDir: first.deadLetterDir });
    expect(await second.reelsync.deadLetters.replay(id)).toMatchObject({ state: "superseded" });
    expect(await current(sceneId)).toMatchObject({ _id: newer.assetId });
  });

  test.each([
    ["the process that queued it", false],
    ["the next process", true],
  ])("from the journal, sent by %s", async (_who, restarts) => {
    const { options, fail, mend } = await convexThatBreaks(/assets:begin/);
    const first = studio.queueing(options);
    const { sceneId } = await studio.scene(first.reelsync);
    fail();
    expect(await upload(first, sceneId, { timeoutMs: BROKEN_MS })).toMatchObject({ state: "queued" });
    const newer = await upload(studio.client(), sceneId);
    if (restarts) await first.reelsync.close();
    mend();

    const client = restarts ? studio.queueing({ ...options, journalDir: first.journalDir }) : first;
    expect(await client.reelsync.drain()).toMatchObject({ failed: 0, waiting: 0 });
    expect(await current(sceneId)).toMatchObject({ _id: newer.assetId });
    const stored = (await studio.rows("assets")).filter(({ entityId }) => entityId === sceneId);
    expect(stored.map(({ status }) => status).sort()).toEqual(["ready", "superseded"]);
  });

  test("while what was called later is the newer one, in whatever order both are sent", async () => {
    const { options, fail, mend } = await convexThatBreaks(/assets:begin/);
    const client = studio.client(options);
    const { sceneId } = await studio.scene(client.reelsync);
    fail();
    const older = await failedUpload(client, sceneId);
    const newer = await failedUpload(client, sceneId);
    mend();
    await client.reelsync.deadLetters.replay(newer);
    expect(await client.reelsync.deadLetters.replay(older)).toMatchObject({ state: "superseded" });
  });
});
