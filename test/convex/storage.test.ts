import { beforeEach, describe, expect, test, vi, afterEach } from "vitest";
import { api, internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { RECONCILE_GRACE_MS } from "../../contract/limits.ts";
import {
  addTenant,
  beginOpen,
  deployment,
  FIRST_PAGE,
  intentFor,
  publish,
  refusalOf,
  storedAs,
} from "./world.ts";
import type { Deployment, Tenant } from "./world.ts";

let t: Deployment;
let acme: Tenant;

beforeEach(async () => {
  t = deployment();
  vi.stubEnv("STORAGE_LOCAL_BASE_URL", "http://127.0.0.1:9010");
  vi.stubEnv("STORAGE_LOCAL_SIGNING_KEY", "a signing key for tests");
  acme = await addTenant(t, "acme");
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

const inFolder = { storageBackend: "local" } as const;

async function publishLocally(over: Partial<Parameters<typeof intentFor>[1]> = {}) {
  const intent = intentFor(acme, { ...inFolder, ...over });
  const opened = await beginOpen(acme.agent, intent);
  await acme.agent.mutation(api.assets.commit, {
    assetId: opened.assetId,
    object: { ...storedAs(intent), bucket: "local" },
  });
  return { ...opened, intent };
}

const row = (assetId: Id<"assets">) => t.run((ctx) => ctx.db.get("assets", assetId));
const queue = () => t.run((ctx) => ctx.db.query("deleteQueue").take(10));

async function move(
  { assetId, intent }: { assetId: Id<"assets">; intent: ReturnType<typeof intentFor> },
  to: "s3" | "local",
  over: { deleteSource?: boolean; sha256?: string; size?: number; preparedAt?: number } = {},
) {
  const { bucket, preparedAt } = await acme.agent.mutation(api.storage.prepareMove, { assetId, to });
  return acme.agent.mutation(api.storage.move, {
    assetId,
    to,
    sha256: over.sha256 ?? intent.sha256,
    object: { bucket, etag: `copied to ${to}`, size: over.size ?? intent.size },
    preparedAt: over.preparedAt ?? preparedAt,
    deleteSource: over.deleteSource ?? false,
  });
}

describe("a file kept in a folder", () => {
  test("is recorded as that, under the key it would have in the bucket", async () => {
    const { assetId, s3Key, bucket } = await publishLocally();
    expect(bucket).toBe("local");
    expect(await row(assetId)).toMatchObject({
      status: "ready",
      storageBackend: "local",
      bucket: "local",
      s3Url: `local:///${s3Key}`,
    });
    expect(await acme.people.viewer.query(api.assets.get, { assetId })).toMatchObject(inFolder);
  });

  test("[G2] whose commit names another place is refused, and nothing is queued for removal from the bucket", async () => {
    const intent = intentFor(acme, inFolder);
    const { assetId } = await beginOpen(acme.agent, intent);
    const answer = await acme.agent.mutation(api.assets.commit, {
      assetId,
      object: { bucket: "local", etag: "x", size: intent.size + 1 },
    });
    expect(answer).toMatchObject({ status: "refused" });
    expect(await queue()).toEqual([]);
  });

  test("[G7] is not taken where nobody could be sent to it", async () => {
    vi.stubEnv("STORAGE_LOCAL_SIGNING_KEY", "short");
    const refused = await refusalOf(beginOpen(acme.agent, intentFor(acme, inFolder)));
    expect(refused.code).toBe("STORAGE_UNCONFIGURED");
    expect(refused.message).toContain("STORAGE_LOCAL_SIGNING_KEY");
    expect(refused.message).not.toContain('"short"');
  });

  test("needs no bucket at all on its deployment", async () => {
    for (const name of ["S3_BUCKET", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) {
      vi.stubEnv(name, "");
    }
    const { assetId } = await publishLocally();
    const [signed] = await acme.people.viewer.action(api.playback.urls, { assetIds: [assetId] });
    expect(signed?.url).toMatch(/^http:\/\/127\.0\.0\.1:9010\/t\/acme\/.*&signature=[0-9a-f]{64}$/);
  });

  test("of the same content does not join an upload that is on its way to the bucket", async () => {
    const first = await beginOpen(acme.agent, intentFor(acme));
    const second = await beginOpen(acme.agent, intentFor(acme, inFolder));
    expect(second.assetId).not.toBe(first.assetId);
    expect([first.bucket, second.bucket]).toEqual(["reels", "local"]);
  });
});

describe("moving records", () => {
  test("lists what is kept where, and a moved record leaves the list", async () => {
    const here = await publishLocally();
    await publish(acme.agent, intentFor(acme, { chunkIndex: 1 }));
    const kept = async () =>
      (
        await acme.agent.query(api.storage.records, {
          storageBackend: "local",
          status: "ready",
          paginationOpts: FIRST_PAGE,
        })
      ).page.map(({ assetId, sha256 }) => ({ assetId, sha256 }));
    expect(await kept()).toEqual([{ assetId: here.assetId, sha256: here.intent.sha256 }]);
    expect(await move(here, "s3")).toEqual({ moved: true, sourceHeld: false });
    expect(await kept()).toEqual([]);
    expect(await row(here.assetId)).toMatchObject({
      storageBackend: "s3",
      bucket: "reels",
      s3Url: `s3://reels/${here.s3Key}`,
      etag: "copied to s3",
      status: "ready",
    });
  });

  test("[G3] twice changes nothing more than once", async () => {
    const here = await publishLocally();
    await move(here, "s3");
    const before = await row(here.assetId);
    expect(await move(here, "s3")).toEqual({ moved: true, sourceHeld: false });
    expect(await row(here.assetId)).toEqual(before);
  });

  test.each<[string, Parameters<typeof move>[2]]>([
    ["another hash", { sha256: "0".repeat(64) }],
    ["another size", { size: 1 }],
  ])("[G2] is refused for a copy with %s", async (_what, over) => {
    const here = await publishLocally();
    expect(await move(here, "s3", over)).toMatchObject({ moved: false });
    expect(await row(here.assetId)).toMatchObject(inFolder);
  });

  test("[G2] is refused once the record has moved on", async () => {
    const here = await publishLocally();
    await t.run((ctx) => ctx.db.patch("assets", here.assetId, { status: "missing" }));
    expect(await move(here, "s3")).toEqual({ moved: false, why: "The record is missing by now." });
  });

  test("says while another record still needs the source", async () => {
    const first = await publishLocally();
    const second = await publishLocally({ chunkIndex: 1, sha256: first.intent.sha256 });
    expect(second.s3Key).toBe(first.s3Key);
    expect(await move(first, "s3")).toEqual({ moved: true, sourceHeld: true });
    expect(await move(second, "s3")).toEqual({ moved: true, sourceHeld: false });
  });

  test("[G5] out of the bucket leaves its object, or queues it for quarantine, and moving back keeps it", async () => {
    const intent = intentFor(acme);
    const there = { ...(await publish(acme.agent, intent)), intent };
    await move(there, "local");
    expect(await queue()).toEqual([]);
    await move(there, "s3");
    await move(there, "local", { deleteSource: true });
    expect(await queue()).toMatchObject([{ state: "queued", bucket: "reels" }]);
    await move(there, "s3");
    expect(await queue()).toMatchObject([{ state: "cancelled" }]);
  });

  test("[G5] into the bucket is refused when the copy was taken to quarantine meanwhile", async () => {
    const intent = intentFor(acme);
    const there = { ...(await publish(acme.agent, intent)), intent };
    await move(there, "local", { deleteSource: true });
    const { assetId } = there;
    const { bucket, preparedAt } = await acme.agent.mutation(api.storage.prepareMove, { assetId, to: "s3" });
    await t.run(async (ctx) => {
      const [entry] = await ctx.db.query("deleteQueue").take(1);
      await ctx.db.patch("deleteQueue", entry!._id, { state: "quarantined", updatedAt: preparedAt + 1 });
    });
    const moved = await acme.agent.mutation(api.storage.move, {
      assetId,
      to: "s3",
      sha256: intent.sha256,
      object: { bucket, etag: "copied", size: intent.size },
      preparedAt,
      deleteSource: false,
    });
    expect(moved).toMatchObject({ moved: false });
    expect(await row(assetId)).toMatchObject(inFolder);
  });

  test("[G5] a queued object is quarantined although a folder holds a file of its key", async () => {
    const intent = intentFor(acme);
    const there = { ...(await publish(acme.agent, intent)), intent };
    await move(there, "local", { deleteSource: true });
    const [entry] = await queue();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + RECONCILE_GRACE_MS + 1 });
    const claim = await t.mutation(internal.reconcileSteps.claimQueued, { entryId: entry!._id });
    expect(claim).toMatchObject({ claimed: true });
  });
});
