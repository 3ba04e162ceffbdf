import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createReelsync } from "reelsync";
import { expect, test, vi } from "vitest";
import { openWorkshop } from "./support/workshop.ts";

vi.setConfig({ testTimeout: 120_000 });

const workshop = openWorkshop();

test("prints the plan by default, takes in with --apply, and knows what it has taken in", async () => {
  const reelsync = createReelsync({ env: workshop.agentEnv });
  await reelsync.storage.save("old/rings/intro/chunk-0.mp4", Buffer.from("frames"));
  await reelsync.close();
  const backfill = ["backfill", "s3://reelsync/old", "--layout", "topic", "--project", "archive"];
  const plan = await workshop.agent(backfill);
  expect(plan).toMatchObject({
    code: 0,
    stdout: "rings  intro  video_chunk  0  planned  6 B  old/rings/intro/chunk-0.mp4\n",
    stderr: "nothing was changed: --apply takes 1 in\n",
  });
  expect(await workshop.rows("assets")).toEqual([]);
  const applied = await workshop.agent([...backfill, "--apply", "--json"]);
  expect(applied).toMatchObject({ code: 0, records: [{ sessionKey: "rings", outcome: "ready" }] });
  const counted = await workshop.agent([...backfill, "--apply"]);
  expect(counted.stderr).toBe("0 taken in, 1 known already, 0 failed, 0 skipped\n");
  const again = await workshop.agent([...backfill, "--apply", "--json"]);
  expect(again.records).toMatchObject([{ sessionKey: "rings", outcome: "known already" }]);
});

test("takes a folder in by the rules of sync; another bucket and no layout are refused", async () => {
  const root = await mkdtemp(join(workshop.directory, "old-"));
  await mkdir(join(root, "intro"));
  await writeFile(join(root, "intro", "a.mp4"), "frames");
  const backfill = ["backfill", root, "--project", "archive", "--json"];
  expect((await workshop.agent(backfill)).records).toMatchObject([
    { relative: "intro/a.mp4", state: "planned" },
  ]);
  const applied = await workshop.agent([...backfill, "--apply"]);
  expect(applied.records).toMatchObject([{ relative: "intro/a.mp4", state: "ready" }]);
  const other = await workshop.agent([
    "backfill",
    "s3://other/x",
    "--layout",
    "topic",
    "--project",
    "p",
    "--json",
  ]);
  expect(other).toMatchObject({ code: 2, error: { code: "USAGE" } });
  const bare = await workshop.agent(["backfill", "s3://reelsync/x", "--project", "p", "--json"]);
  expect(bare).toMatchObject({ code: 2, error: { code: "USAGE" } });
});
