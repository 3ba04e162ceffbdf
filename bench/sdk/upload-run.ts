/** One upload in this process, for `main.ts`: does it, removes the object, prints what it took as JSON. */
import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { DeleteObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { createReelsync } from "reelsync";
import { openCall } from "../../agent-sdk/src/call.ts";
import { loadConfig } from "../../agent-sdk/src/config.ts";
import { createEvents } from "../../agent-sdk/src/events.ts";
import { openDiskFile } from "../../agent-sdk/src/file/asset-file.ts";
import { hashWhileRead } from "../../agent-sdk/src/file/running-hash.ts";
import { createCircuitBreaker } from "../../agent-sdk/src/resilience/circuit-breaker.ts";
import { createGuard } from "../../agent-sdk/src/resilience/guard.ts";
import { createObjectStore } from "../../agent-sdk/src/s3/object-store.ts";
import { createTransferSlots } from "../../agent-sdk/src/s3/transfer-slots.ts";
import { peakRssKib } from "./peak-rss.ts";
import { MIB } from "../../contract/limits.ts";

export const SIDES = [
  "SDK, whole call",
  "SDK, hash and bytes",
  "lib-storage, 16 MiB × 4",
  "lib-storage, its defaults",
] as const;
export type Side = (typeof SIDES)[number];

export interface RunResult {
  seconds: number;
  cpuSeconds: number;
  peakRssMib: number;
}

/** Each returns the key it stored under. */
const RUN: Record<Side, (file: string) => Promise<() => Promise<string>>> = {
  "SDK, whole call": prepareWholeCall,
  "SDK, hash and bytes": async (file) => () => bytePath(file),
  "lib-storage, 16 MiB × 4": async (file) => () => libStorage(file, 16 * MIB),
  "lib-storage, its defaults": async (file) => () => libStorage(file),
};

async function prepareWholeCall(file: string) {
  const reelsync = createReelsync({ mode: "strict" });
  const run = randomUUID();
  const session = await reelsync.createSession({ title: "bench", project: "bench", sessionKey: run });
  const { sessionId } = session;
  const scene = await reelsync.upsertScene({ sessionId, sceneKey: "one", index: 0, title: "one" });
  return async () => {
    const entity = { type: "scene", id: scene.sceneId } as const;
    const { s3Key } = await reelsync.uploadWithConvexSync({ file, entity, assetType: "video_chunk" });
    return s3Key;
  };
}

async function bytePath(path: string): Promise<string> {
  const { s3, retry } = loadConfig();
  const events = createEvents();
  const slots = createTransferSlots({ requests: s3.maxConcurrency, bytes: 64 * MIB });
  const guard = createGuard("s3", createCircuitBreaker({ name: "s3" }), retry, events);
  const objects = createObjectStore(s3, slots, guard, events);
  const call = openCall({ timeoutMs: 600_000 });
  const file = await openDiskFile(path);
  const plan = objects.plan(file.size);
  const none = () => undefined;
  if (plan.kind === "single") throw new RangeError(`${path} would go up in one request`);
  const hash = hashWhileRead(file, plan);
  const key = `bench/${randomUUID()}`;
  const object = { ...hash, key, contentType: "video/mp4", plan, isOwnKey: true };
  await objects.store({ ...object, onBytes: none, onVerifying: none }, call);
  await hash.finish();
  call.dispose();
  await file.close();
  return key;
}

async function libStorage(path: string, partSize?: number): Promise<string> {
  const { size } = await stat(path);
  const key = `bench/${randomUUID()}`;
  const body = createReadStream(path, { start: 0, end: size - 1 });
  await new Upload({
    client: createClient(),
    params: { Bucket: loadConfig().s3.bucket, Key: key, Body: body, ContentType: "video/mp4" },
    ...(partSize !== undefined && { partSize, queueSize: 4 }),
  }).done();
  return key;
}

function createClient(): S3Client {
  const { region, endpoint, accessKeyId, secretAccessKey } = loadConfig().s3;
  return new S3Client({
    region,
    ...(endpoint !== undefined && { endpoint }),
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [, , side, file] = process.argv;
  const upload = await RUN[side as Side](file ?? "");
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  const key = await upload();
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const result: RunResult = {
    seconds,
    cpuSeconds: (user + system) / 1e6,
    peakRssMib: (await peakRssKib()) / 1024,
  };
  await createClient().send(new DeleteObjectCommand({ Bucket: loadConfig().s3.bucket, Key: key }));
  console.log(JSON.stringify(result));
  process.exit(0);
}
