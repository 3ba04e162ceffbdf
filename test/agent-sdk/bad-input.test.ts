import { randomBytes } from "node:crypto";
import { appendFileSync, writeFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { beforeAll, describe, expect, test } from "vitest";
import { createReelsync, type Reelsync, type ReelsyncOptions, type UploadRequest } from "reelsync";
import type { ErrorCode } from "../../contract/error-code.ts";
import { MIB } from "../../contract/limits.ts";
import { startFaultProxy } from "./support/fault-proxy.ts";
import { refusals } from "./support/refusals.ts";
import { startStudio } from "./support/studio.ts";

const studio = startStudio();
const expectRefusal = refusals(studio);
let sceneId: string;
let sessionId: string;
let foreignSceneId: string;
let foreignKey: string;

beforeAll(async () => {
  const reelsync = createReelsync({ env: studio.stack.agentEnv });
  ({ sceneId, sessionId } = await studio.scene(reelsync));
  await reelsync.close();
  const other = { tenant: "elsewhere", tenantName: "Elsewhere", members: [], agentKey: { name: "agent" } };
  const answer = (await studio.stack.runAsOperator("setup:bootstrap", other)) as { agentKey: string };
  foreignKey = answer.agentKey;
  const foreign = createReelsync({ env: studio.stack.agentEnv, agentKey: foreignKey });
  ({ sceneId: foreignSceneId } = await studio.scene(foreign));
  await foreign.close();
});

function upload(reelsync: Reelsync, request: Partial<UploadRequest> = {}) {
  return reelsync.uploadWithConvexSync({
    file: Buffer.from("film"),
    entity: { type: "scene", id: sceneId },
    assetType: "video_chunk",
    ...request,
  });
}

/** Stored and reserved bytes of every tenant. */
async function usedBytes(): Promise<number> {
  const rows = await studio.rows("usage");
  return rows.reduce(
    (sum, { usedBytes: used, reservedBytes = 0 }) => sum + Number(used) + Number(reservedBytes),
    0,
  );
}

describe("[G7] a wrong file changes nothing", () => {
  test.each<[string, ErrorCode, () => UploadRequest["file"] | Promise<UploadRequest["file"]>]>([
    ["a missing file", "FILE_NOT_FOUND", () => "/nowhere/scene.mp4"],
    ["an empty file", "FILE_EMPTY", () => studio.file("empty.mp4", "")],
    [
      "a directory",
      "FILE_IS_DIRECTORY",
      async () => {
        const path = join(dirname(await studio.file("x", "x")), "folder.mp4");
        await mkdir(path);
        return path;
      },
    ],
    ["an empty buffer", "FILE_EMPTY", () => Buffer.alloc(0)],
    ["an empty stream", "FILE_EMPTY", () => Readable.from([])],
    [
      "a stream that breaks",
      "FILE_UNREADABLE",
      () =>
        Readable.from(
          (async function* () {
            yield Buffer.from("half");
            throw new Error("renderer died");
          })(),
        ),
    ],
    ["no file at all", "INVALID_ARGUMENT", () => 42 as unknown as string],
  ])("%s: %s", async (_what, code, file) => {
    const { reelsync } = studio.client();
    const source = await file();
    await expectRefusal(code, () => upload(reelsync, { file: source, fileName: "scene.mp4" }));
  });

  test("a file larger than the tenant allows: FILE_TOO_LARGE", async () => {
    const { reelsync } = studio.client();
    await studio.stack.runAsOperator("setup:limit", { tenant: "studio", maxObjectBytes: 1000 });
    try {
      await expectRefusal("FILE_TOO_LARGE", () => upload(reelsync, { file: randomBytes(1001) }));
    } finally {
      await studio.stack.runAsOperator("setup:limit", { tenant: "studio" });
    }
  });

  test("a file beyond the tenant's quota: QUOTA_EXCEEDED", async () => {
    const { reelsync } = studio.client();
    await studio.stack.runAsOperator("setup:limit", { tenant: "studio", quotaBytes: 10 });
    try {
      await expectRefusal("QUOTA_EXCEEDED", () => upload(reelsync, { file: randomBytes(1001) }));
    } finally {
      await studio.stack.runAsOperator("setup:limit", { tenant: "studio" });
    }
  });

  test("a file that is written to while it is hashed: FILE_CHANGED", async () => {
    const { reelsync } = studio.client();
    const path = await studio.file("growing.mp4", randomBytes(1000));
    await expectRefusal("FILE_CHANGED", () =>
      upload(reelsync, {
        file: path,
        onProgress: ({ phase }) => phase === "hashing" && appendFileSync(path, "more"),
      }),
    );
  });
});

describe("[G7] a file that changes while it is being sent is never committed", () => {
  test.each<[string, number, (path: string) => void]>([
    ["in one request, appended to", 1000, (path) => appendFileSync(path, "more")],
    [
      "in one request, overwritten with as many bytes",
      1000,
      (path) => writeFileSync(path, randomBytes(1000)),
    ],
    [
      "in parts, overwritten with as many bytes",
      21 * MIB,
      (path) => writeFileSync(path, randomBytes(21 * MIB)),
    ],
  ])("%s", async (_how, size, change) => {
    const { reelsync } = studio.client({ s3: { multipartThreshold: 5 * MIB } });
    const scene = await studio.scene(reelsync);
    const path = await studio.file("scene.mp4", randomBytes(size));
    const usedBefore = await usedBytes();
    let changed = false;
    const uploaded = upload(reelsync, {
      file: path,
      entity: { type: "scene", id: scene.sceneId },
      onProgress: ({ phase }) => {
        if (phase === "uploading" && !changed) change(path);
        changed ||= phase === "uploading";
      },
    });
    await expect(uploaded).rejects.toMatchObject({ code: "FILE_CHANGED", retryable: false });
    const rows = (await studio.rows("assets")).filter(({ entityId }) => entityId === scene.sceneId);
    expect(rows.map(({ status, errorCode }) => [status, errorCode])).toEqual([["error", "FILE_CHANGED"]]);
    expect(await usedBytes()).toBe(usedBefore);
    expect(await studio.bucket.multipartUploads()).toBe(0);

    const again = await upload(reelsync, { file: path, entity: { type: "scene", id: scene.sceneId } });
    expect(again.state).toBe("ready");
  });
});

describe("[G7] wrong arguments change nothing", () => {
  test.each<[string, ErrorCode, () => Partial<UploadRequest>]>([
    ["an unknown scene", "SCENE_NOT_FOUND", () => ({ entity: { type: "scene", id: sessionId } })],
    ["a malformed id", "SCENE_NOT_FOUND", () => ({ entity: { type: "scene", id: "../../etc" } })],
    [
      "an unknown session",
      "SESSION_NOT_FOUND",
      () => ({
        entity: { type: "session", id: sceneId },
        assetType: "manifest",
        contentType: "application/json",
      }),
    ],
    [
      "[G6] another tenant's scene",
      "SCENE_NOT_FOUND",
      () => ({ entity: { type: "scene", id: foreignSceneId } }),
    ],
    ["a wrong asset type", "INVALID_ASSET_TYPE", () => ({ assetType: "combined_video" })],
    ["a forbidden content type", "CONTENT_TYPE_FORBIDDEN", () => ({ contentType: "text/html" })],
  ])("%s: %s", async (_what, code, request) => {
    const { reelsync } = studio.client();
    await expectRefusal(code, () => upload(reelsync, request()));
  });

  test("a session or scene that is not one: INVALID_ARGUMENT naming the field", async () => {
    const { reelsync } = studio.client();
    const session = await expectRefusal("INVALID_ARGUMENT", () =>
      reelsync.createSession({ title: "", project: "Not A Slug", sessionKey: "x" }),
    );
    expect(session.message).toContain("title: ");
    expect(session.message).toContain("project: ");
    const scene = { sessionId, sceneKey: "x", index: -1, title: "X" };
    await expectRefusal("INVALID_ARGUMENT", () => reelsync.upsertScene(scene));
  });
});

describe("[G7] a wrong configuration or identity changes nothing", () => {
  const expired = () => studio.stack.tokenFor("edgar", { ttlSeconds: -3600 });

  test.each<[string, ErrorCode, () => ReelsyncOptions]>([
    [
      "a missing bucket",
      "BUCKET_NOT_FOUND",
      () => ({
        s3: { bucket: "no-such-bucket" },
        agentToken: () => studio.stack.tokenFor("edgar"),
      }),
    ],
    ["another bucket than the deployment's", "BUCKET_MISMATCH", () => ({ s3: { bucket: "no-such-bucket" } })],
    ["an unknown access key", "S3_CREDENTIALS_INVALID", () => ({ s3: { accessKeyId: "AKIAUNKNOWN" } })],
    ["a wrong secret", "S3_CREDENTIALS_INVALID", () => ({ s3: { secretAccessKey: "wrong" } })],
    ["a wrong agent key", "AGENT_KEY_INVALID", () => ({ agentKey: "rsk_wrong" })],
    ["an agent of another tenant", "SCENE_NOT_FOUND", () => ({ agentKey: foreignKey })],
    ["a viewer's token", "FORBIDDEN", () => ({ agentToken: () => studio.stack.tokenFor("vera") })],
    [
      "a site URL that serves something else",
      "CONFIG_INVALID",
      () => ({
        convexSiteUrl: studio.stack.local.deployment.url,
      }),
    ],
  ])("%s: %s", async (_what, code, options) => {
    const { reelsync } = studio.client(options());
    await expectRefusal(code, () => upload(reelsync));
  });

  test("an expired token that cannot be renewed: TOKEN_EXPIRED", async () => {
    const token = await expired();
    const { reelsync } = studio.client({ agentToken: async () => token });
    await expectRefusal("TOKEN_EXPIRED", () => upload(reelsync));
  });

  test("an expired token that can be renewed is, once, and the call succeeds", async () => {
    const tokens = [await expired(), await studio.stack.tokenFor("edgar")];
    let asked = 0;
    const { reelsync } = studio.client({ agentToken: async () => tokens[asked++] ?? "" });
    const result = await upload(reelsync, { file: randomBytes(10) });
    expect(result).toMatchObject({ state: "ready", attempts: 1 });
    expect(asked).toBe(2);
  });

  test("a missing environment names every variable at once: CONFIG_INVALID", () => {
    const create = () => createReelsync({ env: {} });
    expect(create).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    for (const name of ["CONVEX_URL", "REELSYNC_AGENT_KEY", "S3_BUCKET"]) expect(create).toThrow(name);
  });

  test("a key that may not write: S3_ACCESS_DENIED, parked because an operator can mend it, nothing committed", async () => {
    const proxy = await startFaultProxy(studio.stack.local.objectStore.endpoint);
    proxy.spoil = ({ method }) =>
      method === "PUT" ? { status: 403, body: "<Error><Code>AccessDenied</Code></Error>" } : undefined;
    const { reelsync, deadLetterDir } = studio.client({ s3: { endpoint: proxy.url } });
    const keys = await studio.bucket.keys();
    const refused = upload(reelsync, { file: randomBytes(10) });
    await expect(refused).rejects.toMatchObject({
      code: "S3_ACCESS_DENIED",
      deadLetter: { delivered: true },
    });
    expect(await studio.bucket.keys()).toEqual(keys);
    await rm(deadLetterDir, { recursive: true });
  });
});

test("[G7] a cancelled call leaves no pending row, no reservation and no parts", async () => {
  const { reelsync } = studio.client({ s3: { multipartThreshold: 5 * MIB } });
  const usedBefore = await usedBytes();
  // A stream is hashed on its way to the disk, what is read from where it is while it is sent.
  const film = () => randomBytes(21 * MIB);
  for (const [phase, file] of [
    ["hashing", Readable.from([film()])],
    ["uploading", film()],
    ["verifying", film()],
  ] as const) {
    const controller = new AbortController();
    const cancelled = upload(reelsync, {
      file,
      signal: controller.signal,
      onProgress: (progress) => progress.phase === phase && controller.abort(new Error("not needed")),
    });
    await expect(cancelled).rejects.toMatchObject({ code: "ABORTED", retryable: false });
  }
  expect(await usedBytes()).toBe(usedBefore);
  expect(await studio.bucket.multipartUploads()).toBe(0);
  const open = (await studio.rows("assets")).filter(
    ({ status }) => status === "pending" || status === "uploading",
  );
  expect(open).toEqual([]);
  expect(await studio.rows("deadLetters")).toHaveLength(1);
});
