import { createHash, randomBytes } from "node:crypto";
import { readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { MIB } from "../../../contract/limits.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { agentProcesses } from "../support/agent-process.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { QUICK_RETRY, startStudio, type Studio } from "../support/studio.ts";

const studio: Studio = startStudio();
const startAgent = agentProcesses();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

const RUNS = Number(process.env["REELSYNC_KILL_RUNS"] ?? 20);
const FIRST_SEED = Number(process.env["REELSYNC_KILL_SEED"] ?? 1);

/** With all these failures the rollout would be taken back, and everything would wait for the end of the run. */
const ON_WRITE = { rollout: "on-write" } as const;

/** A small generator of numbers below 1 that a seed repeats (a linear congruence, the high bits). */
function random(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
}

const rowsOf = async (sceneIds: readonly string[]) =>
  (await studio.rows("assets")).filter(({ entityId }) => sceneIds.includes(String(entityId)));

describe("[G1] [G3] an agent that is killed at any point", () => {
  const met = { ready: 0, queued: 0, superseded: 0, killed: 0, recovered: 0 };

  test.each(Array.from({ length: RUNS }, (_, index) => FIRST_SEED + index))(
    "leaves nothing undone that it had acknowledged, and nothing twice: seed %i",
    async (seed) => {
      const next = random(seed);
      const s3 = await startFaultProxy(studio.stack.local.objectStore.endpoint);
      const planner = studio.client();
      const scenes = [await studio.scene(planner.reelsync), await studio.scene(planner.reelsync)];
      const sceneIds = scenes.map(({ sceneId }) => sceneId);
      const files = await Promise.all(
        Array.from({ length: 8 }, async (_, chunkIndex) => ({
          file: await studio.file(`${chunkIndex}.mp4`, randomBytes(1 + Math.floor(next() * 200_000))),
          sceneId: sceneIds[chunkIndex % 2] ?? "",
          chunkIndex,
          asBuffer: next() < 0.3,
        })),
      );
      // Every second run, S3 goes away after some of the uploads, so that the rest is queued.
      const puts = next() < 0.5 ? Math.floor(next() * 6) : Number.POSITIVE_INFINITY;
      let seenPuts = 0;
      s3.spoil = ({ method }) => (method === "PUT" && seenPuts++ >= puts ? { status: 503 } : undefined);

      const journalDir = join(await tempDir(), "journal");
      const deadLetterDir = join(await tempDir(), "letters");
      const agent = startAgent({
        options: {
          ...ON_WRITE,
          env: { ...studio.stack.agentEnv },
          journalDir,
          deadLetterDir,
          retry: QUICK_RETRY,
          s3: { endpoint: s3.url, maxAttempts: 1 },
        },
        parallel: 1 + Math.floor(next() * 3),
        files,
      });
      // The n-th line it prints, and a moment after it.
      const killAt = 1 + Math.floor(next() * 24);
      const moment = next() * 12;
      agent.onLine = () => {
        if (agent.said.length === killAt) setTimeout(agent.kill, moment);
      };
      await agent.ended;
      const acknowledged = agent.said.flatMap((line) => line.acknowledged ?? []);
      for (const { state } of acknowledged) met[state] += 1;
      met.killed += agent.said.at(-1)?.event === "done" ? 0 : 1;

      const second = studio.queueing({ journalDir, deadLetterDir });
      const counts = await second.reelsync.drain();
      expect(counts).toMatchObject({ failed: 0, waiting: 0 });
      met.recovered += counts.sent;
      const rows = await rowsOf(sceneIds);
      for (const { sceneId, chunkIndex, sha256: hash } of acknowledged) {
        const slot = rows.filter((row) => row["entityId"] === sceneId && row["chunkIndex"] === chunkIndex);
        expect(slot).toMatchObject([{ status: "ready", version: 1, checksum: hash }]);
      }
      for (const { status, s3Key, checksum, chunkIndex } of rows) {
        const { asBuffer = false } = files[Number(chunkIndex)] ?? {};
        // What lived in the dead process's memory only, and was acknowledged to nobody, is gone with it.
        if (asBuffer && !acknowledged.some((one) => one.sha256 === checksum)) continue;
        expect(status).toBe("ready");
        expect(await studio.bucket.sha256(String(s3Key))).toBe(checksum);
      }
      await second.reelsync.close();
      const left = await readdir(journalDir).catch(() => []);
      // A folder that its process was killed over before it was its own holds nothing, and goes a minute later.
      expect(left.filter((name) => !name.endsWith(".draft"))).toEqual([]);
    },
    60_000,
  );

  test.runIf(RUNS >= 20)("met every outcome in these runs", () => {
    console.info(`${RUNS} agents: ${JSON.stringify(met)}`);
    expect(met.killed).toBeGreaterThan(RUNS / 2);
    expect(Math.min(met.ready, met.queued, met.recovered)).toBeGreaterThan(RUNS / 2);
  });
});

describe("[G1] a multipart upload whose process was killed", () => {
  const SIZE = 9 * 16 * MIB + 5;
  const partsIn = (exchanges: { target: string; method: string; size: number }[]) =>
    exchanges.filter(({ method, target }) => method === "PUT" && target.includes("partNumber="));

  /** An agent killed when it sends the part with this ordinal; its client's successor has the same proxy. */
  async function killAtPart(
    ordinal: number,
    what: "UploadPart" | "Complete" = "UploadPart",
    signParts: "always" | "never" = "always",
  ) {
    const s3 = await startFaultProxy(studio.stack.local.objectStore.endpoint);
    const planner = studio.client();
    const { sceneId } = await studio.scene(planner.reelsync);
    const bytes = Buffer.alloc(SIZE, randomBytes(MIB + 7));
    const file = await studio.file("long.mp4", bytes);
    const journalDir = join(await tempDir(), "journal");
    const env = { ...studio.stack.agentEnv };
    const options = { ...ON_WRITE, env, journalDir, s3: { endpoint: s3.url, signParts } };
    const agent = startAgent({
      options,
      parallel: 1,
      files: [{ file, sceneId, chunkIndex: 0, asBuffer: false }],
      timeoutMs: 60_000,
    });
    let parts = 0;
    s3.spoil = ({ method, target }) => {
      if (method === "PUT" && target.includes("partNumber=")) parts += 1;
      const last =
        what === "UploadPart" ? parts === ordinal : method === "POST" && target.includes("uploadId=");
      if (!last) return undefined;
      agent.kill();
      s3.spoil = () => undefined;
      return what === "UploadPart" ? "breakConnection" : "loseReply";
    };
    await agent.ended;
    expect(agent.said.some(({ acknowledged }) => acknowledged !== undefined)).toBe(false);
    const before = partsIn(s3.seen).length;
    return { s3, sceneId, bytes, file, options, before };
  }

  /** What the killed process wrote down of its one upload. */
  async function entryIn(journalDir: string) {
    const [entry = ""] = (await readdir(journalDir, { recursive: true })).filter((path) =>
      path.endsWith("entry.json"),
    );
    return JSON.parse(await readFile(join(journalDir, entry), "utf8")) as { mark?: string; intent: object };
  }

  test.each(["always", "never"] as const)(
    "before its first part arrived is sent whole, hashed by the next one; parts signed: %s",
    async (signParts) => {
      const { s3, sceneId, bytes, file, options } = await killAtPart(1, "UploadPart", signParts);
      const { ino, size, mtimeNs } = await stat(file, { bigint: true });
      const { mark, intent } = await entryIn(options.journalDir);
      expect(mark).toBe(`${ino}-${size}-${mtimeNs}`);
      expect(intent).not.toHaveProperty("sha256");
      s3.seen.length = 0;
      const { reelsync } = studio.queueing(options);
      expect(await reelsync.drain()).toEqual({ sent: 1, failed: 0, waiting: 0 });
      expect(partsIn(s3.seen).length).toBeGreaterThanOrEqual(10 - 3);
      const [row, ...more] = await rowsOf([sceneId]);
      expect(more).toEqual([]);
      expect(row).toMatchObject({ status: "ready", version: 1, checksum: sha256(bytes) });
      expect(await studio.bucket.sha256(String(row?.["s3Key"]))).toBe(sha256(bytes));
      expect(await studio.bucket.multipartUploads()).toBe(0);
    },
    90_000,
  );

  test.each(["always", "never"] as const)(
    "is gone on with: what was in flight is sent again, nothing else; parts signed: %s",
    async (signParts) => {
      const { s3, sceneId, bytes, options } = await killAtPart(8, "UploadPart", signParts);
      const { reelsync } = studio.queueing(options);
      expect(await reelsync.drain()).toEqual({ sent: 1, failed: 0, waiting: 0 });
      const sent = partsIn(s3.seen).reduce((sum, { size }) => sum + size, 0);
      expect(sent - SIZE).toBeLessThanOrEqual(4 * 16 * MIB);
      const [row, ...more] = await rowsOf([sceneId]);
      expect(more).toEqual([]);
      expect(row).toMatchObject({ status: "ready", version: 1, checksum: sha256(bytes) });
      expect(await studio.bucket.sha256(String(row?.["s3Key"]))).toBe(sha256(bytes));
      expect(await studio.bucket.multipartUploads()).toBe(0);
    },
    90_000,
  );

  test.each(["always", "never"] as const)(
    "after the completion nobody heard of, needs no part again; parts signed: %s",
    async (signParts) => {
      const { s3, sceneId, bytes, options, before } = await killAtPart(0, "Complete", signParts);
      const { reelsync } = studio.queueing(options);
      expect(await reelsync.drain()).toEqual({ sent: 1, failed: 0, waiting: 0 });
      expect(partsIn(s3.seen)).toHaveLength(before);
      const [row] = await rowsOf([sceneId]);
      expect(row).toMatchObject({ status: "ready", version: 1, checksum: sha256(bytes) });
      expect(await studio.bucket.sha256(String(row?.["s3Key"]))).toBe(sha256(bytes));
    },
    90_000,
  );

  test.each<[string, (file: string, bytes: Buffer) => Promise<Buffer>]>([
    [
      "has changed",
      async (file) => {
        const other = randomBytes(100_000);
        await writeFile(file, other);
        return other;
      },
    ],
    [
      "holds as many other bytes",
      async (file, bytes) => {
        const other = Buffer.from(bytes);
        other[MIB] = (other[MIB] ?? 0) ^ 1;
        await writeFile(file, other);
        return other;
      },
    ],
    [
      "is not known to be the same",
      async (file, bytes) => {
        await utimes(file, new Date(), new Date(Date.now() + 1000));
        return bytes;
      },
    ],
  ])(
    "[G2] is begun anew when its file %s, and leaves no parts",
    async (_how, change) => {
      const { sceneId, file, bytes, options } = await killAtPart(5);
      const now = await change(file, bytes);
      const { reelsync } = studio.queueing(options);
      expect(await reelsync.drain()).toEqual({ sent: 1, failed: 0, waiting: 0 });
      const rows = (await rowsOf([sceneId])).sort((a, b) => Number(a["version"]) - Number(b["version"]));
      expect(rows).toMatchObject([
        { status: "error", errorCode: "FILE_CHANGED" },
        { status: "ready", checksum: sha256(now) },
      ]);
      expect(await studio.bucket.sha256(String(rows[1]?.["s3Key"]))).toBe(sha256(now));
      expect(await studio.bucket.multipartUploads()).toBe(0);
    },
    90_000,
  );
});
