/** The admin's view of running agents, in a real browser: what happens to them shows without a reload, and the rollout follows a click. */
import { randomBytes } from "node:crypto";
import type { Reelsync } from "reelsync";
import { createReelsync } from "reelsync";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningProduct, startProduct } from "../support/running-product.ts";

let product: RunningProduct;
let agent: Reelsync;
let sceneIds: string[];

beforeAll(async () => {
  product = await startProduct();
  agent = createReelsync({
    env: product.stack.agentEnv,
    agentName: "render-01",
    retry: { attempts: 1 },
    s3: { maxAttempts: 1 },
    journalDir: join(product.dataDir, "agent-journal"),
    deadLetterDir: join(product.dataDir, "agent-letters"),
  });
  const { sessionId } = await agent.createSession({ title: "Reel", project: "e2e", sessionKey: "agents" });
  sceneIds = await Promise.all(
    Array.from({ length: 70 }, async (_, index) => {
      const scene = { sessionId, sceneKey: `scene-${index}`, index, title: `Scene ${index}` };
      return (await agent.upsertScene(scene)).sceneId;
    }),
  );
});

afterAll(async () => {
  await agent.close();
  await product.close();
});

const upload = (index: number) =>
  agent.uploadWithConvexSync({
    file: randomBytes(200),
    entity: { type: "scene", id: sceneIds[index] ?? "" },
    assetType: "video_chunk",
  });

test("[G6] is for admins", async () => {
  const { page } = await product.openAs("vera", "/admin/agents");
  await page.getByTestId("not-allowed").waitFor();
});

test("[G1] an outage opens a breaker, holds uploads, takes the rollout back, and a click brings it all to its end", async () => {
  const { page, errors } = await product.openAs("ada", "/admin/agents");
  await page.getByTestId("no-agents").waitFor();
  expect(await page.getByTestId("stage-on-write").getAttribute("aria-pressed")).toBe("true");

  await upload(0);
  const row = page.locator('[data-testid="agent"][data-agent="render-01"]');
  await row.getByTestId("breaker-s3").getByText("Answers").waitFor();

  const { objectStore } = product.stack.local;
  await objectStore.stop();
  const answers = await Promise.all(Array.from({ length: 65 }, (_, index) => upload(index + 1)));
  expect(new Set(answers.map(({ state }) => state))).toEqual(new Set(["queued"]));
  await row.getByTestId("breaker-s3").getByText("Does not answer").waitFor({ timeout: 60_000 });
  await row.getByTestId("agent-state").getByText("Outage").waitFor();
  await row.getByTestId("agent-journal").getByText("uploads").waitFor({ timeout: 60_000 });

  const rolledBack = page.getByTestId("rolled-back");
  await rolledBack.getByText(/of \d+ uploads failed within five minutes/).waitFor({ timeout: 60_000 });
  await rolledBack.getByText(/render-01/).waitFor();
  expect(await page.getByTestId("stage-end-of-run").getAttribute("aria-pressed")).toBe("true");

  await objectStore.start();
  await page.getByTestId("raise").click();
  await page.getByTestId("stage-dialog").getByLabel("Why").fill("Storage is back");
  await page.getByTestId("confirm-stage").click();
  await rolledBack.waitFor({ state: "detached" });
  await page.locator('[data-testid="stage-on-write"][aria-pressed="true"]').waitFor();
  await page.getByTestId("rollout-history").locator("summary").click();
  await page.getByTestId("rollout-history").getByText("Storage is back").waitFor();

  // Raised, the agent sends by itself what it held; its circuit lets a probe through every half minute.
  await row.getByTestId("agent-journal").getByText("nothing").waitFor({ timeout: 120_000 });
  await row.getByTestId("breaker-s3").getByText("Answers").waitFor();
  expect(agent.journal.waiting).toBe(0);
  expect(errors).toEqual([]);
}, 300_000);
