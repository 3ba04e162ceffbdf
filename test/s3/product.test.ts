/** The whole product on a real store: the SDK and the deployment both point to it, and nothing touches the local object store. */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { ConvexClient } from "convex/browser";
import type { FunctionReturnType } from "convex/server";
import type { ReelsyncError } from "reelsync";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { bundleUploadRun, runUpload } from "../../bench/sdk/run-upload.ts";
import { MIB } from "../../contract/limits.ts";
import { api } from "../../convex/_generated/api.js";
import { PROJECT_DIR } from "../../demo/push.ts";
import { startStudio } from "../agent-sdk/support/studio.ts";
import { tempDir } from "../support/temp-dir.ts";
import { useRealStore } from "./real-store.ts";

const studio = startStudio();
const bucket = useRealStore();
beforeAll(() => studio.stack.setEnv(bucket.env));

const LARGE_BYTES = 300 * MIB;
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const agentEnv = () => ({ ...studio.stack.agentEnv, ...bucket.env });

async function agent() {
  const { reelsync } = studio.client({ env: agentEnv() });
  const { sceneId } = await studio.scene(reelsync);
  return { reelsync, entity: { type: "scene", id: sceneId } as const };
}

/** Signed in as one of the studio, until the test ends. */
function signedIn(subject: "ada" | "vera"): ConvexClient {
  const client = new ConvexClient(studio.stack.local.deployment.url, { logger: false });
  client.setAuth(() => studio.stack.tokenFor(subject));
  onTestFinished(() => client.close());
  return client;
}

/** Where a script finds the packages it imports. */
async function folderInProject(): Promise<string> {
  await mkdir(join(PROJECT_DIR, ".reelsync"), { recursive: true });
  const folder = await mkdtemp(join(PROJECT_DIR, ".reelsync", "s3-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Random, so that no two parts are alike; answers its SHA-256. */
async function writeRandomFile(path: string, size: number): Promise<string> {
  const hash = createHash("sha256");
  const file = await open(path, "w");
  for (let written = 0; written < size; written += 16 * MIB) {
    const bytes = randomBytes(Math.min(16 * MIB, size - written));
    hash.update(bytes);
    await file.write(bytes);
  }
  await file.close();
  return hash.digest("hex");
}

describe("an upload with its record", () => {
  test("[G2] 300 MiB in parts and small files with odd names end ready, and hash to their records", async () => {
    const { reelsync, entity } = await agent();
    const large = join(await tempDir(), "reel.mp4");
    const expected = new Map<string, string>();
    const hash = await writeRandomFile(large, LARGE_BYTES);
    const video = await reelsync.uploadWithConvexSync({ file: large, entity, assetType: "video_chunk" });
    expected.set(video.assetId, hash);
    for (const fileName of ["scène 1 – größe.srt", "🎬 & 50%.srt", "..\\a b+c#?.srt"]) {
      const bytes = randomBytes(1000);
      const request = { file: bytes, fileName, entity, assetType: "subtitle" as const };
      const { assetId } = await reelsync.uploadWithConvexSync({
        ...request,
        metadata: { language: "français 🎬", take: 2 },
      });
      expected.set(assetId, sha256(bytes));
    }
    const records = await studio.rows("assets");
    for (const [assetId, checksum] of expected) {
      const record = records.find(({ _id }) => _id === assetId);
      expect(record).toMatchObject({ checksum, bucket: bucket.bucket });
      const key = String(record?.["s3Key"]);
      expect(await bucket.sha256(key)).toBe(checksum);
      const { Metadata } = await bucket.head(key);
      // The large one's hash was not known when its object was begun.
      expect(Metadata?.["sha256"]).toBe(assetId === video.assetId ? undefined : checksum);
    }
    const again = await reelsync.uploadWithConvexSync({ file: large, entity, assetType: "video_chunk" });
    expect(again).toMatchObject({ assetId: video.assetId, deduped: true });
  });

  test("a process that uploads 300 MiB stays below 160 MiB of memory", async () => {
    const file = join(await tempDir(), "reel.mp4");
    await writeRandomFile(file, LARGE_BYTES);
    const script = await bundleUploadRun(await folderInProject());
    const { peakRssMib } = await runUpload(script, "SDK, whole call", file, agentEnv());
    expect(peakRssMib).toBeLessThan(160);
  });

  test("[G3] a bucket the SDK may not write to parks the upload, and the replay after the repair publishes it", async () => {
    const { reelsync, entity } = await agent();
    const bytes = randomBytes(50_000);
    const allow = await bucket.deny("s3:PutObject");
    const parked = reelsync.uploadWithConvexSync({ file: bytes, entity, assetType: "video_chunk" });
    const error = await parked.then(
      () => undefined,
      (fault: unknown) => fault as ReelsyncError,
    );
    expect(error).toMatchObject({ code: "S3_ACCESS_DENIED", deadLetter: { delivered: true } });
    await allow();
    const replayed = await reelsync.deadLetters.replay(error?.deadLetter?.id ?? "");
    expect(replayed.state).toBe("ready");
    expect(await bucket.sha256(replayed.s3Key)).toBe(sha256(bytes));
  });
});

test("playback.urls opens what was uploaded, in ranges and as a download", async () => {
  const { reelsync, entity } = await agent();
  const bytes = randomBytes(200_000);
  const fileName = "scene größe.mp4";
  const request = { file: bytes, fileName, entity, assetType: "video_chunk" as const };
  const { assetId } = await reelsync.uploadWithConvexSync(request);
  const viewer = signedIn("vera");
  const [signed] = await viewer.action(api.playback.urls, { assetIds: [assetId] });
  expect(signed?.url).toContain(bucket.bucket);

  const whole = await fetch(signed?.url ?? "");
  expect(whole.headers.get("content-type")).toBe("video/mp4");
  expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
  const part = await fetch(signed?.url ?? "", { headers: { Range: "bytes=100-199" } });
  expect(part.status).toBe(206);
  expect(part.headers.get("content-range")).toBe("bytes 100-199/200000");
  expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(100, 200))).toBe(true);

  const [download] = await viewer.action(api.playback.urls, { assetIds: [assetId], download: true });
  const saved = await fetch(download?.url ?? "");
  expect(saved.headers.get("content-disposition")).toContain(
    `filename*=UTF-8''${encodeURIComponent(fileName)}`,
  );
  expect(Buffer.from(await saved.arrayBuffer()).equals(bytes)).toBe(true);
  expect((await reelsync.urlFor(assetId)).url).toBe(signed?.url);
});

test("[G2][G5] reconcile finds each kind of drift in the bucket, and repairs what it is told to", async () => {
  const { reelsync, entity } = await agent();
  const upload = (bytes: Uint8Array, chunkIndex: number) =>
    reelsync.uploadWithConvexSync({ file: bytes, entity, assetType: "video_chunk", chunkIndex });
  const kept = await upload(randomBytes(10), 0);
  const lost = await upload(randomBytes(11), 1);
  const replaced = await upload(randomBytes(12), 2);
  const prefix = kept.s3Key.slice(0, kept.s3Key.lastIndexOf("/"));
  const orphan = `${prefix}/50% größe 🎬.mp4`;
  await bucket.put(orphan, "orphan");
  await bucket.remove(lost.s3Key);
  await bucket.put(replaced.s3Key, "of another size");

  const admin = signedIn("ada");
  const { runId } = await admin.mutation(api.reconcile.start, { graceMs: 0 });
  expect(await settled(admin, runId)).toMatchObject({ status: "reported" });
  const all = { numItems: 100, cursor: null };
  const findings = async () => {
    const { page } = await admin.query(api.reconcile.findings, { runId, paginationOpts: all });
    return page.filter(({ s3Key }) => s3Key.startsWith(prefix));
  };
  const found = await findings();
  expect(Object.fromEntries(found.map(({ s3Key, kind }) => [s3Key, kind]))).toEqual({
    [orphan]: "object_without_record",
    [lost.s3Key]: "record_without_object",
    [replaced.s3Key]: "size_mismatch",
  });

  const findingIds = found.map(({ findingId }) => findingId);
  await admin.mutation(api.reconcile.apply, { runId, findingIds });
  expect(await settled(admin, runId)).toMatchObject({ status: "applied" });
  expect((await findings()).map(({ state }) => state)).toEqual(["applied", "applied", "applied"]);
  const keys = await bucket.keys();
  expect(keys).toContain(kept.s3Key);
  expect(keys).not.toContain(orphan);
  expect(await bucket.sha256(`quarantine/${orphan}`)).toBe(sha256(Buffer.from("orphan")));
  const records = await studio.rows("assets");
  const statusOf = ({ assetId }: { assetId: string }) =>
    records.find(({ _id }) => _id === assetId)?.["status"];
  expect([kept, lost, replaced].map(statusOf)).toEqual(["ready", "missing", "error"]);
});

type Run = FunctionReturnType<typeof api.reconcile.report>;

/** The run once it rests; it is watched as an admin's page watches it. */
async function settled(admin: ConvexClient, runId: string): Promise<Run> {
  return new Promise((resolve, reject) => {
    const stop = admin.onUpdate(
      api.reconcile.report,
      { runId },
      (run) => {
        if (run.status === "running" || run.status === "applying") return;
        stop();
        resolve(run);
      },
      reject,
    );
  });
}
