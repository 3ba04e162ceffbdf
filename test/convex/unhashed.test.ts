import { beforeEach, describe, expect, test } from "vitest";
import type { UnhashedIntent } from "../../contract/asset.ts";
import { api, internal } from "../../convex/_generated/api";
import { addTenant, beginOpen, deployment, everything, intentFor, publish } from "./world.ts";
import { refusalOf, shaOf, storedAs } from "./world.ts";
import type { Deployment, Tenant } from "./world.ts";

let t: Deployment;
let acme: Tenant;

beforeEach(async () => {
  t = deployment();
  acme = await addTenant(t, "acme");
});

const SHA = shaOf(0xfeed);

function unhashed(over: Parameters<typeof intentFor>[1] = {}): UnhashedIntent {
  const { sha256: _later, ...intent } = intentFor(acme, over);
  return intent;
}

const begin = (intent: UnhashedIntent) => acme.agent.mutation(api.assets.begin, intent);
const commit = (assetId: string, size: number, sha256?: string) =>
  acme.agent.mutation(api.assets.commit, {
    assetId,
    object: storedAs({ size }),
    ...(sha256 !== undefined && { sha256 }),
  });
const asset = (assetId: string) => acme.agent.query(api.assets.get, { assetId });

describe("content that is hashed while it is sent", () => {
  test("is opened under a key of its upload's own, without a checksum, and gets that with its commit", async () => {
    const intent = unhashed();
    const { assetId, s3Key, ...opened } = await beginOpen(acme.agent, intent);
    expect(opened).toMatchObject({ status: "pending", deduped: false, version: 1 });
    expect(s3Key).toContain(`/video-chunk/${intent.uploadId.replaceAll("-", "").slice(0, 16)}-scene-01.mp4`);
    expect(await asset(assetId)).toMatchObject({ status: "pending", checksum: "" });
    expect(await commit(assetId, intent.size, SHA)).toMatchObject({ status: "ready" });
    expect(await asset(assetId)).toMatchObject({ status: "ready", checksum: SHA, s3Key });
  });

  test("[G3] begin and commit replayed ten times equal once", async () => {
    const intent = unhashed();
    const first = await beginOpen(acme.agent, intent);
    const before = await everything(t);
    for (let round = 0; round < 10; round += 1) expect(await begin(intent)).toEqual(first);
    expect(await everything(t)).toBe(before);
    const committed = await commit(first.assetId, intent.size, SHA);
    const after = await everything(t);
    for (let round = 0; round < 10; round += 1) {
      expect(await commit(first.assetId, intent.size, SHA)).toEqual(committed);
      expect(await begin(intent)).toMatchObject({ assetId: first.assetId, status: "ready" });
    }
    expect(await everything(t)).toBe(after);
  });

  test("[G7] a commit that does not name the hash is refused, and changes nothing", async () => {
    const intent = unhashed();
    const { assetId } = await beginOpen(acme.agent, intent);
    const before = await everything(t);
    const refused = await refusalOf(commit(assetId, intent.size));
    expect(refused).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(refused.message).toMatch(/^sha256: /);
    const [item] = await acme.agent.mutation(api.assets.commitBatch, {
      items: [{ assetId, object: storedAs(intent) }],
    });
    expect(item).toMatchObject({ ok: false, code: "INVALID_ARGUMENT" });
    expect(await everything(t)).toBe(before);
    expect(await commit(assetId, intent.size, SHA)).toMatchObject({ status: "ready" });
  });

  test("[G2] a commit of another hash than was announced is refused, and the refusal is recorded", async () => {
    const intent = intentFor(acme);
    const { assetId, s3Key } = await beginOpen(acme.agent, intent);
    const answer = await commit(assetId, intent.size, SHA);
    expect(answer).toMatchObject({ status: "refused", code: "COMMIT_REFUSED" });
    expect(await commit(assetId, intent.size, intent.sha256)).toEqual(answer);
    expect(await asset(assetId)).toMatchObject({ status: "error", checksum: intent.sha256 });
    expect(await t.run((ctx) => ctx.db.query("deleteQueue").take(2))).toMatchObject([{ s3Key }]);
  });

  test("[G3] a repeat that knows the hash by now tells the row, and one that knows another is refused", async () => {
    const intent = unhashed();
    const first = await beginOpen(acme.agent, intent);
    expect(await begin({ ...intent, sha256: SHA })).toEqual(first);
    expect(await asset(first.assetId)).toMatchObject({ status: "pending", checksum: SHA });
    const refused = await refusalOf(begin({ ...intent, sha256: shaOf(1) }));
    expect(refused).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(await commit(first.assetId, intent.size)).toMatchObject({ status: "ready" });
    expect(await begin(intent)).toMatchObject({ assetId: first.assetId, status: "ready" });
  });

  test("given up, it opens again under its version and its key, with the hash if that is known by now", async () => {
    const intent = unhashed();
    const first = await beginOpen(acme.agent, intent);
    await acme.agent.mutation(api.assets.fail, {
      assetId: first.assetId,
      code: "S3_UNAVAILABLE",
      message: "down",
    });
    expect(await begin({ ...intent, sha256: SHA })).toEqual(first);
    expect(await commit(first.assetId, intent.size)).toMatchObject({ status: "ready" });
    expect(await asset(first.assetId)).toMatchObject({ checksum: SHA });
  });

  test.each(["ready", "pending", "uploading"] as const)(
    "has to be hashed first when something of its size is %s, and nothing is written",
    async (status) => {
      const there = intentFor(acme, { size: 700 });
      const { assetId } = await beginOpen(acme.agent, there);
      if (status === "uploading") await acme.agent.mutation(api.assets.uploading, { assetId });
      if (status === "ready") await commit(assetId, there.size);
      const before = await everything(t);
      const intent = unhashed({ size: 700 });
      expect(await begin(intent)).toEqual({ status: "hash_first" });
      expect(await everything(t)).toBe(before);
      const same = await beginOpen(acme.agent, { ...intent, sha256: there.sha256 });
      expect(same).toMatchObject({ assetId, deduped: status === "ready" });
      expect(await begin(unhashed({ size: 701 }))).toMatchObject({ status: "pending", version: 2 });
    },
  );

  test("of the size of what is being hashed itself is another version once it is hashed", async () => {
    const [one, other] = [unhashed({ size: 700 }), unhashed({ size: 700 })];
    const first = await beginOpen(acme.agent, one);
    expect(await begin(other)).toEqual({ status: "hash_first" });
    const second = await beginOpen(acme.agent, { ...other, sha256: SHA });
    expect(second.assetId).not.toBe(first.assetId);
    expect(second.s3Key).not.toBe(first.s3Key);
    expect(await commit(first.assetId, 700, SHA)).toMatchObject({ status: "ready", version: 1 });
    expect(await commit(second.assetId, 700)).toMatchObject({ status: "ready", version: 2 });
  });

  test("for history only has to be hashed first when the newest version is stored and has its size", async () => {
    const hidden = { size: 700, historyOnly: true } as const;
    const shown = intentFor(acme, { size: 700 });
    const { assetId } = await beginOpen(acme.agent, shown);
    // What is on its way is not what a version for history may join.
    expect(await begin(unhashed(hidden))).toMatchObject({ status: "pending" });
    await commit(assetId, 700);
    await publish(acme.agent, intentFor(acme, { size: 700 }));
    expect(await begin(unhashed(hidden))).toEqual({ status: "hash_first" });
  });

  test("[G7] that is too large, of a wrong type or over quota is refused as any other", async () => {
    await t.mutation(internal.setup.limit, { tenant: "acme", quotaBytes: 1_500 });
    await beginOpen(acme.agent, unhashed({ size: 1_000 }));
    const before = await everything(t);
    expect(await refusalOf(begin(unhashed({ size: 1_001 })))).toMatchObject({ code: "QUOTA_EXCEEDED" });
    expect(await refusalOf(begin(unhashed({ contentType: "text/html" })))).toMatchObject({
      code: "CONTENT_TYPE_FORBIDDEN",
    });
    expect(await everything(t)).toBe(before);
  });

  test("[G3] whose key is another upload's is refused, be their ids alike in what the key has of them", async () => {
    const intent = unhashed();
    await beginOpen(acme.agent, intent);
    const alike = `${intent.uploadId.slice(0, -1)}f`;
    const refused = await refusalOf(begin(unhashed({ uploadId: alike, size: 9 })));
    expect(refused).toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
