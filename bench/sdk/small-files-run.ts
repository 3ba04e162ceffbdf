/** A folder's files uploaded in this process, with or without their records, for `main.ts`; prints what it took as JSON. */
import { randomUUID } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createReelsync, type UploadRequest } from "reelsync";
import { openCall } from "../../agent-sdk/src/call.ts";
import { loadConfig } from "../../agent-sdk/src/config.ts";
import { createEvents } from "../../agent-sdk/src/events.ts";
import { openDiskFile } from "../../agent-sdk/src/file/asset-file.ts";
import { hashFile } from "../../agent-sdk/src/file/hash-file.ts";
import { createCircuitBreaker } from "../../agent-sdk/src/resilience/circuit-breaker.ts";
import { createGuard } from "../../agent-sdk/src/resilience/guard.ts";
import { createObjectStore } from "../../agent-sdk/src/s3/object-store.ts";
import { createTransferSlots } from "../../agent-sdk/src/s3/transfer-slots.ts";
import { peakRssKib } from "./peak-rss.ts";
import type { RunResult } from "./upload-run.ts";
import { MAX_CHUNKS_PER_SCENE, MIB } from "../../contract/limits.ts";

const [, , what, folder = "", warmUp] = process.argv;
const names = (await readdir(folder)).sort();
const prepare = async () => (what === "records" ? withRecords() : bytesAlone());
// A process that has uploaded before runs compiled code; a new one compiles it beside its uploads.
if (warmUp !== undefined) await (await prepare())();
const upload = await prepare();
const startedAt = performance.now();
const cpu = process.cpuUsage();
await upload();
const { user, system } = process.cpuUsage(cpu);
const result: RunResult = {
  seconds: (performance.now() - startedAt) / 1000,
  cpuSeconds: (user + system) / 1e6,
  peakRssMib: (await peakRssKib()) / 1024,
};
console.log(JSON.stringify(result));
process.exit(0);

async function withRecords() {
  const reelsync = createReelsync({ mode: "strict" });
  const session = { title: "small files", project: "bench", sessionKey: randomUUID() };
  const { sessionId } = await reelsync.createSession(session);
  const uploads: UploadRequest[] = [];
  for (let first = 0; first < names.length; first += MAX_CHUNKS_PER_SCENE) {
    const scene = { sessionId, sceneKey: `${first}`, index: first, title: `${first}` };
    const { sceneId: id } = await reelsync.upsertScene(scene);
    for (const [chunkIndex, name] of names.slice(first, first + MAX_CHUNKS_PER_SCENE).entries()) {
      const entity = { type: "scene", id } as const;
      uploads.push({ file: join(folder, name), entity, assetType: "video_chunk", chunkIndex });
    }
  }
  return async () => {
    const { failed } = await reelsync.batchSyncAssets(uploads);
    if (failed[0] !== undefined) throw failed[0].error;
  };
}

/** The same parts without Convex, as wide as the whole line. */
function bytesAlone() {
  const { s3, retry } = loadConfig();
  const events = createEvents();
  const slots = createTransferSlots({ requests: s3.maxConcurrency, bytes: 64 * MIB });
  const objects = createObjectStore(
    s3,
    slots,
    createGuard("s3", createCircuitBreaker({ name: "s3" }), retry, events),
    events,
  );
  const prefix = `bench/${randomUUID()}`;
  const none = () => undefined;

  async function one(name: string): Promise<void> {
    const call = openCall({ timeoutMs: 600_000 });
    const file = await openDiskFile(join(folder, name));
    const plan = objects.plan(file.size);
    const digests = await hashFile(file, plan, slots, call.signal, none);
    const key = `${prefix}/${name}`;
    const object = { key, contentType: "video/mp4", file, plan, digests, onBytes: none, onVerifying: none };
    await objects.store(object, call);
    await file.assertUnchanged();
    await objects.url(key);
    await file.close();
    call.dispose();
  }

  return async () => {
    const left = names.values();
    await Promise.all(
      Array.from({ length: 256 }, async () => {
        for (const name of left) await one(name);
      }),
    );
  };
}
