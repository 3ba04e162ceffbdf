import { randomBytes } from "node:crypto";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createMetrics, type ReelsyncEvent, type ReelsyncOptions } from "reelsync";
import { PROJECT_DIR } from "../../../demo/push.ts";
import { ask, openSidecar } from "../serve/support/sidecar.ts";
import { startStudio, type Client } from "../support/studio.ts";

const studio = startStudio();

/** A client behind a real port, and what a scraper reads there, name with labels to value. */
async function open(options?: ReelsyncOptions) {
  const client = studio.queueing(options);
  const { url } = await openSidecar(client.reelsync);
  const { sceneId } = await studio.scene(client.reelsync);
  return {
    ...client,
    place: { entity: { type: "scene", id: sceneId }, assetType: "video_chunk" } as const,
    scrape: async () => {
      const { status, headers, text } = await ask(url, "GET", "/metrics", { headers: { authorization: "" } });
      expect(status).toBe(200);
      expect(headers["content-type"]).toMatch(/^text\/plain; version=0\.0\.4/);
      const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
      return Object.fromEntries(
        lines.map((line) => {
          const at = line.lastIndexOf(" ");
          return [line.slice(0, at), Number(line.slice(at + 1))];
        }),
      );
    },
  };
}

function until({ reelsync }: Client, type: ReelsyncEvent["type"]): Promise<void> {
  return new Promise((resolve) => {
    const stop = reelsync.on((event) => {
      if (event.type !== type) return;
      stop();
      resolve();
    });
  });
}

describe("what a scraper reads", () => {
  test("after uploads of known sizes: their number, sizes and durations, and how fresh the records are", async () => {
    const { reelsync, place, scrape } = await open();
    const before = await scrape();
    expect(before["reelsync_upload_attempts_total"]).toBe(0);
    expect(before["reelsync_seconds_since_last_commit"]).toBeNaN();
    const startedAt = performance.now();
    for (const [chunkIndex, size] of [1000, 50_000, 50_000].entries()) {
      await reelsync.uploadWithConvexSync({ ...place, chunkIndex, file: randomBytes(size) });
    }
    const seconds = (performance.now() - startedAt) / 1000;
    const after = await scrape();
    expect(after).toMatchObject({
      reelsync_upload_attempts_total: 3,
      reelsync_asset_size_distribution_bytes_count: 3,
      reelsync_asset_size_distribution_bytes_sum: 101_000,
      'reelsync_asset_size_distribution_bytes_bucket{le="4096"}': 1,
      'reelsync_asset_size_distribution_bytes_bucket{le="262144"}': 3,
      'reelsync_upload_duration_seconds_count{outcome="published"}': 3,
      reelsync_sync_duration_seconds_count: 3,
      reelsync_concurrent_operations: 0,
      reelsync_journal_depth: 0,
      reelsync_journal_oldest_age_seconds: 0,
      'reelsync_circuit_breaker_state{dependency="s3",state="closed"}': 1,
      'reelsync_circuit_breaker_state{dependency="s3",state="open"}': 0,
      'reelsync_circuit_breaker_state{dependency="convex",state="closed"}': 1,
    });
    const whole = after['reelsync_upload_duration_seconds_sum{outcome="published"}'] ?? 0;
    const records = after["reelsync_sync_duration_seconds_sum"] ?? 0;
    expect(whole).toBeGreaterThan(0);
    expect(whole).toBeLessThanOrEqual(seconds);
    expect(records).toBeGreaterThan(0);
    expect(records).toBeLessThan(whole);
    expect(after["reelsync_seconds_since_last_commit"]).toBeLessThan(60);
  });

  test("of refused uploads: each counts once as an attempt and once as an error with its code", async () => {
    const { reelsync, place, scrape } = await open();
    await expect(reelsync.uploadWithConvexSync({ ...place, file: "/nowhere.mp4" })).rejects.toThrow();
    // Refused before anything is started.
    const wrong = {
      ...place,
      assetType: "combined_video",
      file: Buffer.from("x"),
      fileName: "a.mp4",
    } as const;
    await expect(reelsync.uploadWithConvexSync(wrong)).rejects.toThrow();
    await expect(
      reelsync.uploadWithConvexSync({
        ...place,
        entity: { type: "scene", id: "none" },
        file: randomBytes(9),
      }),
    ).rejects.toThrow();
    expect(await scrape()).toMatchObject({
      reelsync_upload_attempts_total: 3,
      'reelsync_upload_errors_total{code="FILE_NOT_FOUND",step="file"}': 1,
      'reelsync_upload_errors_total{code="INVALID_ASSET_TYPE",step="file"}': 1,
      'reelsync_upload_errors_total{code="SCENE_NOT_FOUND",step="begin"}': 1,
      reelsync_concurrent_operations: 0,
    });
  });

  test("during an outage: what is queued, how much waits and for how long; afterwards nothing", async () => {
    const quick = { attempts: 2, baseDelayMs: 1, maxDelayMs: 2 };
    const client = await open({ s3: { maxAttempts: 1 }, retry: quick });
    const { reelsync, place, scrape } = client;
    const { objectStore } = studio.stack.local;
    await objectStore.stop();
    const again = until(client, "journal.waiting");
    const { state } = await reelsync.uploadWithConvexSync({ ...place, file: randomBytes(2000) });
    expect(state).toBe("queued");
    // The background has tried it once more, in vain.
    await again;
    const during = await scrape();
    expect(during).toMatchObject({
      reelsync_journal_depth: 1,
      'reelsync_upload_duration_seconds_count{outcome="queued"}': 1,
      'reelsync_uploads_queued_total{code="S3_UNAVAILABLE"}': 1,
    });
    expect(during["reelsync_journal_oldest_age_seconds"]).toBeGreaterThan(0);
    expect(during['reelsync_retries_total{dependency="s3",code="S3_UNAVAILABLE"}']).toBeGreaterThanOrEqual(2);
    expect(during['reelsync_upload_errors_total{code="S3_UNAVAILABLE",step="drain"}']).toBeGreaterThanOrEqual(
      1,
    );

    // The README's error_rate, over everything since the start: nothing went through.
    const sum = (name: string) =>
      Object.entries(during).reduce(
        (total, [series, value]) => total + (series.startsWith(name) ? value : 0),
        0,
      );
    const failed = sum("reelsync_upload_errors_total") + sum("reelsync_uploads_queued_total");
    expect(failed / sum("reelsync_upload_attempts_total")).toBe(1);

    await objectStore.start();
    await until(client, "journal.sent");
    expect(await scrape()).toMatchObject({
      reelsync_journal_depth: 0,
      reelsync_journal_oldest_age_seconds: 0,
      reelsync_asset_size_distribution_bytes_sum: 2000,
      reelsync_concurrent_operations: 0,
    });
  });

  test("of a service that fails again and again: that its circuit is not closed", async () => {
    const quick = { attempts: 6, baseDelayMs: 1, maxDelayMs: 2 };
    const { reelsync, place, scrape } = await open({ s3: { maxAttempts: 1 }, retry: quick });
    const { objectStore } = studio.stack.local;
    await objectStore.stop();
    await reelsync.uploadWithConvexSync({ ...place, file: randomBytes(2000) });
    const during = await scrape();
    await objectStore.start();
    expect(during).toMatchObject({
      'reelsync_circuit_breaker_state{dependency="s3",state="closed"}': 0,
      'reelsync_circuit_breaker_state{dependency="s3",state="open"}': 1,
      'reelsync_circuit_breaker_state{dependency="convex",state="closed"}': 1,
    });
  });

  test("of uploads that are switched off: how many, and neither attempts nor outcomes", async () => {
    const { reelsync, place, scrape } = await open({ rollout: "off" });
    for (let count = 0; count < 2; count++) {
      const { state } = await reelsync.uploadWithConvexSync({ ...place, file: randomBytes(10) });
      expect(state).toBe("skipped");
    }
    const after = await scrape();
    expect(after).toMatchObject({
      reelsync_uploads_skipped_total: 2,
      reelsync_upload_attempts_total: 0,
      reelsync_concurrent_operations: 0,
    });
    expect(Object.keys(after).filter((name) => name.includes("duration_seconds_count{"))).toEqual([]);
  });

  test("while an upload is under way: that it is", async () => {
    const client = await open();
    let seen: Record<string, number> | undefined;
    const begun = until(client, "upload.begun").then(async () => (seen = await client.scrape()));
    const { objectStore } = studio.stack.local;
    await objectStore.stop();
    const uploading = client.reelsync.uploadWithConvexSync({ ...client.place, file: randomBytes(2000) });
    await begun;
    await objectStore.start();
    await uploading;
    expect(seen).toMatchObject({ reelsync_concurrent_operations: 1 });
  });

  test("no label holds an id or a name: uploads do not add series", async () => {
    const { reelsync, place, scrape } = await open();
    await reelsync.uploadWithConvexSync({ ...place, file: randomBytes(100), fileName: "first.mp4" });
    const one = Object.keys(await scrape()).sort();
    for (let chunkIndex = 1; chunkIndex < 6; chunkIndex++) {
      await reelsync.uploadWithConvexSync({
        ...place,
        chunkIndex,
        file: randomBytes(100),
        fileName: "next.mp4",
      });
    }
    expect(Object.keys(await scrape()).sort()).toEqual(one);
  });
});

test("two clients of one process are measured apart, and one that is closed is measured no more", async () => {
  const [first, second] = [studio.client(), studio.client()];
  const metrics = await createMetrics(first.reelsync);
  const others = await createMetrics(second.reelsync);
  const attempts = async (of: typeof metrics) =>
    (await of.registry.getSingleMetric("reelsync_upload_attempts_total")?.get())?.values[0]?.value;
  const upload = async () => {
    await expect(
      first.reelsync.uploadWithConvexSync({
        file: "/nowhere.mp4",
        entity: { type: "scene", id: "x" },
        assetType: "video_chunk",
      }),
    ).rejects.toThrow();
  };
  await upload();
  expect([await attempts(metrics), await attempts(others)]).toEqual([1, 0]);
  metrics.close();
  await upload();
  expect(await attempts(metrics)).toBe(1);
});

test("importing the SDK loads neither the metrics library nor the logger", () => {
  const source = `
    await import(${JSON.stringify(join(PROJECT_DIR, "agent-sdk/src/index.ts"))});
    const { createRequire } = await import("node:module");
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    console.log(loaded.filter((file) => /node_modules\\/(prom-client|pino)\\//.test(file)).length);
  `;
  const run = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", source], {
    cwd: PROJECT_DIR,
    encoding: "utf8",
  });
  expect(run.stderr).toBe("");
  expect(run.stdout.trim()).toBe("0");
});
