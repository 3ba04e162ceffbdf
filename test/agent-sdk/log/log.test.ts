import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { logTo, type Logger, type ReelsyncOptions } from "reelsync";
import { createJsonLogger, type LogLevel } from "../../../agent-sdk/src/log/json-logger.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { runCli } from "../cli/support/run-cli.ts";
import { startStudio } from "../support/studio.ts";

const studio = startStudio();

/** Every line of a client's log, read back from what was written. */
async function open(level: LogLevel, options?: ReelsyncOptions) {
  const client = studio.queueing(options);
  const text: string[] = [];
  const stop = logTo(client.reelsync, await createJsonLogger(level, (line) => text.push(line)));
  const { sceneId } = await studio.scene(client.reelsync);
  return {
    ...client,
    stop,
    text,
    lines: () => text.map((line) => JSON.parse(line) as Record<string, unknown>),
    place: { entity: { type: "scene", id: sceneId }, assetType: "video_chunk" } as const,
  };
}

const linesOf = (stderr: string) =>
  stderr
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("an upload has one line in the log", () => {
  test("with its key, size, duration, attempts and names, once it is recorded", async () => {
    const { reelsync, lines, place } = await open("info");
    const file = await studio.file("intro.mp4", randomBytes(5000));
    const result = await reelsync.uploadWithConvexSync({ ...place, file, correlationId: "render-7" });
    const [line, ...others] = lines();
    expect(others).toEqual([]);
    expect(line).toMatchObject({
      level: "info",
      event: "upload.finished",
      uploadId: result.uploadId,
      correlationId: "render-7",
      assetId: result.assetId,
      s3Key: result.s3Key,
      fileName: "intro.mp4",
      size: 5000,
      attempts: 1,
      version: 1,
      deduped: false,
    });
    expect(line?.["durationMs"]).toBeGreaterThan(0);
    expect(Date.parse(String(line?.["time"]))).toBeGreaterThan(0);
  });

  test("with the code of what stopped it, when it failed or is queued; and each repetition has its own", async () => {
    const quick = { attempts: 2, baseDelayMs: 1, maxDelayMs: 2 };
    const { reelsync, lines, place } = await open("warn", { s3: { maxAttempts: 1 }, retry: quick });
    await expect(reelsync.uploadWithConvexSync({ ...place, file: "/nowhere.mp4" })).rejects.toThrow();
    expect(lines()).toMatchObject([
      { level: "error", event: "upload.failed", code: "FILE_NOT_FOUND", step: "file", attempts: 1 },
    ]);
    const { objectStore } = studio.stack.local;
    await objectStore.stop();
    const { uploadId } = await reelsync.uploadWithConvexSync({ ...place, file: randomBytes(2000) });
    const ofIt = lines().filter((line) => line["uploadId"] === uploadId);
    await objectStore.start();
    expect(ofIt.slice(0, 2)).toMatchObject([
      { level: "warn", event: "retry", dependency: "s3", code: "S3_UNAVAILABLE" },
      { level: "warn", event: "upload.queued", code: "S3_UNAVAILABLE", attempts: 2, size: 2000 },
    ]);
  });

  test("and its steps too, when somebody wants to look closely; until it is stopped", async () => {
    const { reelsync, lines, place, stop } = await open("debug");
    await reelsync.uploadWithConvexSync({ ...place, file: randomBytes(100) });
    const events = lines().map(({ event }) => event);
    expect(events).toEqual([
      "upload.started",
      "upload.hashed",
      "upload.begun",
      "upload.stored",
      "upload.finished",
    ]);
    stop();
    await reelsync.uploadWithConvexSync({ ...place, chunkIndex: 1, file: randomBytes(100) });
    expect(lines()).toHaveLength(events.length);
  });
});

test("any logger will do that takes facts and a message", async () => {
  const { reelsync } = studio.client();
  const seen: unknown[] = [];
  const note = (facts: object, message: string) => seen.push([message, facts]);
  const logger: Logger = { debug: note, info: note, warn: note, error: note };
  logTo(reelsync, logger);
  const upload = {
    file: "/nowhere.mp4",
    entity: { type: "scene", id: "x" },
    assetType: "video_chunk",
  } as const;
  await expect(reelsync.uploadWithConvexSync(upload)).rejects.toThrow();
  expect(seen.at(-1)).toMatchObject(["upload.failed", { code: "FILE_NOT_FOUND" }]);
});

test("no secret is in it, however an upload ends, even one that stands in a path", async () => {
  const { AWS_SECRET_ACCESS_KEY: secret = "", REELSYNC_AGENT_KEY: key = "" } = studio.stack.agentEnv;
  const { reelsync, text, place, events } = await open("debug", { mode: "strict", s3: { maxAttempts: 1 } });
  await reelsync.uploadWithConvexSync({ ...place, file: randomBytes(100) });
  for (const file of [`/nowhere/${secret}.mp4`, `/nowhere/${key}.mp4`]) {
    await expect(reelsync.uploadWithConvexSync({ ...place, file, fileName: "a.mp4" })).rejects.toThrow();
  }
  const { objectStore } = studio.stack.local;
  await objectStore.stop();
  await expect(
    reelsync.uploadWithConvexSync({ ...place, chunkIndex: 1, file: randomBytes(9) }),
  ).rejects.toThrow();
  await objectStore.start();
  const all = text.join("") + JSON.stringify(events);
  expect(all).toContain("FILE_NOT_FOUND");
  expect(all).toContain("deadLetter.parked");
  expect(secret.length).toBeGreaterThan(8);
  for (const hidden of [secret, key, "X-Amz-Signature", "Bearer "]) expect(all).not.toContain(hidden);
});

describe("the command line", () => {
  test.each([
    ["--log-level", ["--log-level", "info"], {}],
    ["REELSYNC_LOG", [], { REELSYNC_LOG: "info" }],
  ])(
    "writes its log to stderr as JSON lines, asked for by %s, and its data to stdout",
    async (_how, args, env) => {
      const { sceneId } = await studio.scene(studio.client().reelsync);
      const file = await studio.file("intro.mp4", randomBytes(100));
      const words = ["upload", file, "--scene", sceneId, "--type", "video_chunk", "--json", ...args];
      const run = await runCli(words, { env: { ...studio.stack.agentEnv, ...env }, cwd: await tempDir() });
      expect(run.code).toBe(0);
      expect(run.records).toMatchObject([{ state: "ready" }]);
      expect(linesOf(run.stderr)).toMatchObject([
        { level: "info", event: "upload.finished", uploadId: run.records[0]?.["uploadId"], size: 100 },
      ]);
    },
  );

  test("so does a sidecar, with the correlation id of its caller", async () => {
    const { sceneId } = await studio.scene(studio.client().reelsync);
    const file = await studio.file("intro.mp4", randomBytes(100));
    const params = { file, entity: { type: "scene", id: sceneId }, assetType: "video_chunk" };
    const input = `${JSON.stringify({ id: 1, method: "upload", params, correlationId: "render-7" })}\n`;
    const run = await runCli(["serve", "--stdio", "--log-level", "info"], {
      env: studio.stack.agentEnv,
      cwd: await tempDir(),
      input,
    });
    expect(run.code).toBe(0);
    expect(linesOf(run.stderr)).toMatchObject([{ event: "upload.finished", correlationId: "render-7" }]);
  });

  test("[G7] refuses a level there is not", async () => {
    const env = { ...studio.stack.agentEnv, REELSYNC_LOG: "loud" };
    const { sceneId } = await studio.scene(studio.client().reelsync);
    const file = await studio.file("intro.mp4", randomBytes(100));
    const run = await runCli(["upload", file, "--scene", sceneId, "--type", "video_chunk", "--json"], {
      env,
      cwd: await tempDir(),
    });
    expect(run).toMatchObject({ code: 2, error: { code: "CONFIG_INVALID" } });
    expect(run.error.message).toMatch(/REELSYNC_LOG.*debug, info, warn, error/);
  });
});
