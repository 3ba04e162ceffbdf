import { createHash, randomBytes } from "node:crypto";
import { readFile, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createReelsync, type ReelsyncOptions } from "reelsync";
import { BUCKET } from "../../../demo/stack.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { lookInto } from "../support/bucket.ts";
import { openWorkshop } from "./support/workshop.ts";

// Each test starts the program several times, which is most of what it takes.
vi.setConfig({ testTimeout: 120_000 });

const workshop = openWorkshop();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const TO_S3 = ["migrate", "--from", "local", "--to", "s3", "--json"];
const TO_LOCAL = ["migrate", "--from", "s3", "--to", "local", "--json"];

interface Row {
  _id: string;
  s3Key: string;
  status: string;
  checksum: string;
  storageBackend: string;
  bucket: string;
  version: number;
}

async function openClient(options: ReelsyncOptions = {}) {
  const folder = await tempDir();
  const reelsync = createReelsync({
    env: workshop.agentEnv,
    storageType: "LOCAL",
    mode: "strict",
    journalDir: join(folder, "journal"),
    deadLetterDir: join(folder, "letters"),
    ...options,
  });
  onTestFinished(() => reelsync.close());
  return reelsync;
}

/** Files of one scene: some current, one replaced, two with one object. */
async function fill(count: number) {
  const reelsync = await openClient();
  const { sceneId } = await workshop.scene();
  const place = { entity: { type: "scene", id: sceneId }, assetType: "video_chunk" } as const;
  const shared = randomBytes(50_000);
  await reelsync.uploadWithConvexSync({ ...place, file: randomBytes(50_000) });
  for (let chunkIndex = 0; chunkIndex < count; chunkIndex++) {
    const file = chunkIndex < 2 ? shared : randomBytes(50_000);
    await reelsync.uploadWithConvexSync({ ...place, file, chunkIndex, fileName: "chunk.mp4" });
  }
  const rows = async () =>
    ((await workshop.rows("assets")) as unknown as (Row & { entityId: string })[]).filter(
      ({ entityId }) => entityId === sceneId,
    );
  return { reelsync, sceneId, rows };
}

function bucket() {
  const { endpoint, credentials } = workshop.stack.local.objectStore;
  return lookInto(endpoint, credentials, BUCKET);
}

const localFile = (s3Key: string) => join(workshop.stack.storageDir, s3Key);

describe("reelsync migrate", () => {
  test("[G2] killed in the middle and run again, moves every version byte-exactly and deletes nothing", async () => {
    const { rows } = await fill(14);
    const before = await rows();
    expect(before).toHaveLength(15);
    expect(new Set(before.map(({ storageBackend }) => storageBackend))).toEqual(new Set(["local"]));

    const dry = await workshop.agent(TO_S3);
    expect(dry.code).toBe(0);
    expect(dry.records).toMatchObject([{ plan: { from: "local", to: "s3", records: 15, bytes: 750_000 } }]);
    expect(await rows()).toEqual(before);
    expect(await bucket().keys()).toEqual([]);

    const killed = await workshop.agent([...TO_S3, "--yes"], {
      during: (child) => child.stdout.once("data", () => child.kill("SIGKILL")),
    });
    expect(killed.code).toBeNull();
    const half = await rows();
    expect(half.filter(({ storageBackend }) => storageBackend === "s3").length).toBeGreaterThan(0);
    expect(half.filter(({ storageBackend }) => storageBackend === "local").length).toBeGreaterThan(0);
    for (const row of half) {
      // Whatever a record says, its bytes are there.
      const found =
        row.storageBackend === "s3"
          ? await bucket().sha256(row.s3Key)
          : sha256(await readFile(localFile(row.s3Key)));
      expect(found).toBe(row.checksum);
    }

    const resumed = await workshop.agent([...TO_S3, "--yes"]);
    expect(resumed.code).toBe(0);
    expect(resumed.records.at(-1)).toMatchObject({ summary: { skipped: 0, failed: 0 } });
    const after = await rows();
    for (const [index, row] of after.entries()) {
      const { _id, s3Key, status, version, checksum } = before[index] as Row;
      expect(row).toMatchObject({ _id, s3Key, status, version, checksum });
      expect(row).toMatchObject({ storageBackend: "s3", bucket: BUCKET });
      expect(await bucket().sha256(s3Key)).toBe(checksum);
      expect((await bucket().head(s3Key)).ContentType).toBe("video/mp4");
      expect(sha256(await readFile(localFile(s3Key)))).toBe(checksum);
    }
    const done = await workshop.agent([...TO_S3, "--yes"]);
    expect(done.records).toMatchObject([{ plan: { records: 0 } }]);
  });

  test("[G5] removes files once no record needs them, and sends objects to quarantine instead of deleting them", async () => {
    const { rows } = await fill(3);
    const there = await workshop.agent([...TO_S3, "--yes", "--delete-source"]);
    expect(there.code).toBe(0);
    for (const { s3Key } of await rows()) {
      await expect(stat(localFile(s3Key))).rejects.toThrow("ENOENT");
      expect(await bucket().keys()).toContain(s3Key);
    }
    const back = await workshop.agent([...TO_LOCAL, "--yes", "--delete-source"]);
    expect(back.code).toBe(0);
    const queue = (await workshop.rows("deleteQueue")) as unknown as { s3Key: string; state: string }[];
    for (const { s3Key, checksum, storageBackend } of await rows()) {
      expect(storageBackend).toBe("local");
      expect(sha256(await readFile(localFile(s3Key)))).toBe(checksum);
      expect(await bucket().keys()).toContain(s3Key);
      expect(queue.find((entry) => entry.s3Key === s3Key)).toMatchObject({ state: "queued" });
    }
  });

  test("[G2] leaves a record alone whose source is damaged, says so, and moves the others", async () => {
    const { rows } = await fill(3);
    const [damaged] = (await rows()).slice(-1);
    const s3Key = damaged?.s3Key ?? "";
    await truncate(localFile(s3Key), 100);
    const run = await workshop.agent([...TO_S3, "--yes", "--delete-source"]);
    expect(run.code).toBe(6);
    expect(run.records.filter(({ state }) => state === "failed")).toMatchObject([
      { s3Key, error: { code: "ASSET_DAMAGED" } },
    ]);
    expect(await bucket().keys()).not.toContain(s3Key);
    const kept = (await rows()).filter(({ storageBackend }) => storageBackend === "local");
    expect(kept.map((row) => row.s3Key)).toEqual([s3Key]);
    expect((await stat(localFile(s3Key))).size).toBe(100);
  });

  test("[G6] a person who may not administer is refused, and a bucket of another deployment is not copied into", async () => {
    await fill(1);
    const viewer = await workshop.bare(TO_S3, { env: await workshop.personEnv("vera") });
    expect(viewer.error.code).toBe("FORBIDDEN");
    const elsewhere = await workshop.agent([...TO_S3, "--yes"], { env: { S3_BUCKET: "another" } });
    expect(elsewhere.error.code).toBe("BUCKET_MISMATCH");
    const nowhere = await workshop.agent(["migrate", "--from", "s3", "--to", "s3"]);
    expect(nowhere.code).toBe(2);
  });
});

test("reelsync storage serve answers signed URLs of the folder until it is stopped", async () => {
  const { reelsync, rows } = await fill(1);
  const [row] = await rows();
  const { url } = await reelsync.storage.getPresignedUrl("GET", row?.s3Key ?? "");
  const { pathname, search } = new URL(url);
  let served: Promise<Response> | undefined;
  const run = await workshop.agent(["storage", "serve", "--json"], {
    holdInput: true,
    during: (child) =>
      child.stdout.once("data", (line: Buffer) => {
        const own = (JSON.parse(line.toString()) as { url: string }).url;
        served = fetch(`${own}${pathname}${search}`).finally(() => child.kill("SIGINT"));
      }),
  });
  expect(run.code).toBe(0);
  expect(served === undefined ? 0 : (await served).status).toBe(200);
});
