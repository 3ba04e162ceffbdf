import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createReelsync } from "reelsync";
import { expect, test, vi } from "vitest";
import { serves, startProvider } from "../ingest/provider.ts";
import { openWorkshop } from "./support/workshop.ts";

vi.setConfig({ testTimeout: 120_000 });

const workshop = openWorkshop();
const NO_S3 = { S3_ENDPOINT_URL: "http://127.0.0.1:9", S3_MAX_ATTEMPTS: "1" };

/** A journal in which an agent that is gone has left uploads it was answered `queued` for. */
async function journalOf(contents: readonly Buffer[]) {
  const folder = await mkdtemp(join(workshop.directory, "journal-"));
  const env = { ...workshop.agentEnv, REELSYNC_JOURNAL_DIR: folder };
  const { sceneId } = await workshop.scene();
  const reelsync = createReelsync({ env: { ...env, ...NO_S3 }, retry: { attempts: 1 } });
  const files = [];
  for (const [chunkIndex, bytes] of contents.entries()) {
    const file = await workshop.file(`part-${chunkIndex}.mp4`, bytes);
    const entity = { type: "scene", id: sceneId } as const;
    const request = { file, entity, assetType: "video_chunk", chunkIndex } as const;
    expect(await reelsync.uploadWithConvexSync(request)).toMatchObject({ state: "queued" });
    files.push(file);
  }
  await reelsync.close();
  const ready = async () =>
    (await workshop.rows("assets")).filter((row) => row["entityId"] === sceneId && row["status"] === "ready");
  return { env: { REELSYNC_JOURNAL_DIR: folder }, files, ready };
}

test("[G1] what waits is told, kept while S3 is down (5), sent when it is back (0), and then there is nothing to send", async () => {
  const { env, ready } = await journalOf([randomBytes(1000), randomBytes(3000)]);
  // Nothing but the journal is needed to look.
  const looked = await workshop.bare(["drain", "--status", "--json"], { env });
  expect(looked).toMatchObject({ code: 0, stderr: "" });
  expect(looked.records).toMatchObject([{ waiting: 2, underWay: 0, waitingBytes: 4000, quarantined: 0 }]);

  const down = await workshop.agent(["drain", "--json", "--timeout", "2"], { env: { ...env, ...NO_S3 } });
  expect(down).toMatchObject({ code: 5, records: [{ sent: 0, failed: 0, waiting: 2, underWay: 0 }] });
  const text = await workshop.agent(["drain", "--status"], { env });
  expect(text.stdout).toMatch(/^2 uploads waiting, 3\.9 KiB, the oldest since \d{4}-.*Z, in \/.*\n$/);

  const up = await workshop.agent(["drain"], { env });
  expect(up).toMatchObject({
    code: 0,
    stdout: `2 sent, 0 failed, 0 waiting, in ${env.REELSYNC_JOURNAL_DIR}\n`,
  });
  expect(await ready()).toHaveLength(2);
  const again = await workshop.agent(["drain", "--json"], { env });
  expect(again).toMatchObject({ code: 0, records: [{ sent: 0, failed: 0, waiting: 0, underWay: 0 }] });
});

test("[G1] what can never be sent as it was exits 1 and names its cause", async () => {
  const { env, files, ready } = await journalOf([randomBytes(1000)]);
  // Written in place, so that the journal's second name shows the new content too.
  await writeFile(files[0] ?? "", randomBytes(1001));
  const run = await workshop.agent(["drain"], { env });
  expect(run).toMatchObject({
    code: 1,
    stdout: `0 sent, 1 failed, 0 waiting, in ${env.REELSYNC_JOURNAL_DIR}\n`,
  });
  expect(run.stderr).toContain("FILE_CHANGED");
  expect(await ready()).toHaveLength(0);
  expect((await workshop.agent(["dead-letters", "list", "--json"], { env })).stdout).toContain(
    "FILE_CHANGED",
  );
});

test("a folder that is not there is a journal in which nothing waits", async () => {
  const folder = await mkdtemp(join(workshop.directory, "gone-"));
  await rm(folder, { recursive: true });
  const run = await workshop.bare(["drain", "--status"], { env: { REELSYNC_JOURNAL_DIR: folder } });
  expect(run).toMatchObject({ code: 0, stdout: `nothing waits, in ${folder}\n` });
});

test("a drain that an outage stops says once what stopped it and what helps", async () => {
  const { env } = await journalOf([randomBytes(1000), randomBytes(3000)]);
  const down = { ...env, ...NO_S3, REELSYNC_TIMEOUT_MS: "5000" };
  const text = await workshop.agent(["drain"], { env: down });
  expect(text).toMatchObject({
    code: 5,
    stdout: `0 sent, 0 failed, 2 waiting, in ${env.REELSYNC_JOURNAL_DIR}\n`,
  });
  expect(text.stderr.match(/^stopped by /gm)).toHaveLength(1);
  expect(text.stderr).toMatch(
    /^stopped by S3_UNAVAILABLE: .*ECONNREFUSED.*\n {2}fix: Wait for S3, or correct S3_ENDPOINT_URL\.$/m,
  );
  const json = await workshop.agent(["drain", "--json"], { env: down });
  expect(json).toMatchObject({ code: 5, stderr: "" });
  expect(json.records).toMatchObject([
    {
      stopped: {
        code: "S3_UNAVAILABLE",
        hint: expect.stringContaining("S3_ENDPOINT_URL") as string,
        exitCode: 5,
      },
    },
  ]);
});

test.each([["text"], ["json"]])(
  "an entry nobody can read is told of with its new place and what to do, as %s",
  async (kind) => {
    const { env } = await journalOf([randomBytes(1000)]);
    const [owner = ""] = await readdir(env.REELSYNC_JOURNAL_DIR);
    const [entry = ""] = (await readdir(join(env.REELSYNC_JOURNAL_DIR, owner))).filter(
      (name) => !name.includes("."),
    );
    await writeFile(join(env.REELSYNC_JOURNAL_DIR, owner, entry, "entry.json"), "{ torn");
    const run = await workshop.agent(["drain", ...(kind === "json" ? ["--json"] : [])], { env });
    expect(run.code).toBe(0);
    const place = new RegExp(`^${env.REELSYNC_JOURNAL_DIR}/quarantine/${entry}-[0-9a-f]+`);
    if (kind === "text") expect(run.stderr).toMatch(new RegExp(`${place.source}: nobody can read`, "m"));
    else {
      expect(run.records).toMatchObject([
        {
          sent: 0,
          quarantined: [expect.stringMatching(place)],
          hint: expect.stringContaining("uploaded again") as string,
        },
      ]);
    }
  },
);

test("an upload nobody knows is told with the journal that was looked in", async () => {
  const folder = await mkdtemp(join(workshop.directory, "other-"));
  const run = await workshop.agent(["status", "--upload", "u-1", "--json"], {
    env: { REELSYNC_JOURNAL_DIR: folder },
  });
  expect(run).toMatchObject({ code: 3, error: { code: "NOT_FOUND" } });
  expect(run.error.message).toContain(folder);
  expect(run.error["hint"]).toContain("REELSYNC_JOURNAL_DIR");
});

test("[G1] upload --queue answers queued with its reason and exits 0; the next one sends what waits before its own", async () => {
  const folder = await mkdtemp(join(workshop.directory, "queue-"));
  const { sceneId } = await workshop.scene();
  const upload = async (name: string, env: Record<string, string>, ...more: string[]) =>
    workshop.agent(
      [
        "upload",
        await workshop.file(name, randomBytes(500)),
        "--scene",
        sceneId,
        "--type",
        "video_chunk",
        ...more,
      ],
      {
        env: { REELSYNC_JOURNAL_DIR: folder, ...env },
      },
    );
  const strict = await upload("a.mp4", NO_S3, "--json");
  expect(strict).toMatchObject({ code: 5, error: { code: "S3_UNAVAILABLE" } });

  const queued = await upload("b.mp4", NO_S3, "--queue", "--chunk", "1", "--json");
  expect(queued).toMatchObject({
    code: 0,
    stderr: "",
    records: [{ state: "queued", code: "S3_UNAVAILABLE" }],
  });
  const text = await upload("c.mp4", NO_S3, "--queue", "--chunk", "2");
  expect(text.code).toBe(0);
  expect(text.stdout).toMatch(/c\.mp4 {2}queued \([A-Z0-9_]+\) {2}500 B {2}\S+\n$/);
  expect(text.stderr).toContain(`1 upload queued in ${folder}: reelsync drain sends what waits\n`);
  const looked = await workshop.bare(["drain", "--status", "--json"], {
    env: { REELSYNC_JOURNAL_DIR: folder },
  });
  expect(looked.records).toMatchObject([{ waiting: 2 }]);

  const back = await upload("d.mp4", {}, "--queue", "--chunk", "3");
  expect(back).toMatchObject({ code: 0, stderr: `2 uploads sent that waited in ${folder}\n` });
  expect(back.stdout).toContain("  ready  ");
  const rows = (await workshop.rows("assets")).filter(
    ({ entityId, status }) => entityId === sceneId && status === "ready",
  );
  expect(rows.map(({ fileName }) => fileName).sort()).toEqual(["b.mp4", "c.mp4", "d.mp4"]);
});

test("[G1] upload --queue keeps bytes from a pipe while Convex is down, and drain sends them when it is back", async () => {
  const folder = await mkdtemp(join(workshop.directory, "queue-"));
  const { sceneId } = await workshop.scene();
  const down = { CONVEX_URL: "http://127.0.0.1:9", CONVEX_SITE_URL: "http://127.0.0.1:9" };
  const args = [
    "upload",
    "-",
    "--name",
    "a.srt",
    "--scene",
    sceneId,
    "--type",
    "subtitle",
    "--timeout",
    "5",
    "--queue",
    "--json",
  ];
  const env = { REELSYNC_JOURNAL_DIR: folder };
  const run = await workshop.agent(args, { env: { ...env, ...down }, input: "1\n00:00 --> 00:01\nHi\n" });
  expect(run).toMatchObject({
    code: 0,
    stderr: "",
    records: [{ state: "queued", code: expect.any(String) as string }],
  });
  const drained = await workshop.agent(["drain", "--json"], { env });
  expect(drained).toMatchObject({ code: 0, records: [{ sent: 1, waiting: 0 }] });
  const uploadId = String(run.records[0]?.["uploadId"]);
  const status = await workshop.agent(["status", "--upload", uploadId, "--json"], { env });
  expect(status.records).toMatchObject([
    { state: "recorded", asset: { status: "ready", fileName: "a.srt" } },
  ]);
});

test("[G1] sync --queue and ingest --queue keep what they cannot send, too", async () => {
  const folder = await mkdtemp(join(workshop.directory, "queue-"));
  const { sceneId, sessionId } = await workshop.scene();
  const env = { REELSYNC_JOURNAL_DIR: folder, ...NO_S3 };
  const root = join(workshop.directory, "synced");
  await mkdir(join(root, "intro"), { recursive: true });
  await writeFile(join(root, "intro", "a.mp4"), randomBytes(100));
  const synced = await workshop.agent(["sync", root, "--session", sessionId, "--queue"], { env });
  expect(synced.code).toBe(0);
  expect(synced.stdout).toMatch(/queued \(S3_UNAVAILABLE\)/);
  expect(synced.stderr).toContain("0 sent, 0 known already, 0 failed, 0 skipped, 1 queued\n");

  const provider = await startProvider({ "/b.mp4": serves(randomBytes(100)) });
  const args = [
    "ingest",
    `${provider.origin}/b.mp4`,
    "--scene",
    sceneId,
    "--type",
    "video_chunk",
    "--chunk",
    "5",
    "--queue",
    "--json",
  ];
  const ingested = await workshop.agent(args, {
    env: { ...env, REELSYNC_INGEST_ALLOW_HOSTS: provider.host },
  });
  expect(ingested).toMatchObject({
    code: 0,
    stderr: "",
    records: [{ state: "queued", code: expect.any(String) as string }],
  });
  const drained = await workshop.agent(["drain", "--json"], { env: { REELSYNC_JOURNAL_DIR: folder } });
  expect(drained).toMatchObject({ code: 0, records: [{ sent: 2, waiting: 0 }] });
});

test("what the rollout holds says so, and goes when the command ends, which is the end of its run", async () => {
  const folder = await mkdtemp(join(workshop.directory, "held-"));
  const { sceneId } = await workshop.scene();
  const file = await workshop.file("held.mp4", randomBytes(100));
  const env = { REELSYNC_JOURNAL_DIR: folder, REELSYNC_ROLLOUT: "end-of-run" };
  const run = await workshop.agent(["upload", file, "--scene", sceneId, "--type", "video_chunk", "--queue"], {
    env,
  });
  expect(run).toMatchObject({ code: 0, stderr: "1 upload kept by the rollout, sent as this command ends\n" });
  expect(run.stdout).toContain("  queued (ROLLOUT_HELD, until the end of the run)  ");
  const rows = (await workshop.rows("assets")).filter(({ entityId }) => entityId === sceneId);
  expect(rows).toMatchObject([{ status: "ready" }]);
});
