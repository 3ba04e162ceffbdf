import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createReelsync } from "reelsync";
import { expect, test, vi } from "vitest";
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
  expect(text.stdout).toMatch(/^2 uploads waiting, 3\.9 KiB, the oldest since \d{4}-.*Z\n$/);

  const up = await workshop.agent(["drain"], { env });
  expect(up).toMatchObject({ code: 0, stdout: "2 sent, 0 failed, 0 waiting\n" });
  expect(await ready()).toHaveLength(2);
  const again = await workshop.agent(["drain", "--json"], { env });
  expect(again).toMatchObject({ code: 0, records: [{ sent: 0, failed: 0, waiting: 0, underWay: 0 }] });
});

test("[G1] what can never be sent as it was exits 1 and names its cause", async () => {
  const { env, files, ready } = await journalOf([randomBytes(1000)]);
  // Written in place, so that the journal's second name shows the new content too.
  await writeFile(files[0] ?? "", randomBytes(1001));
  const run = await workshop.agent(["drain"], { env });
  expect(run).toMatchObject({ code: 1, stdout: "0 sent, 1 failed, 0 waiting\n" });
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
  expect(run).toMatchObject({ code: 0, stdout: "nothing waits\n" });
});
