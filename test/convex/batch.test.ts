import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { MAX_BATCH_ITEMS } from "../../contract/limits.ts";
import { api } from "../../convex/_generated/api";
import schema from "../../convex/schema.ts";
import {
  addTenant,
  beginOpen,
  deployment,
  everything,
  intentFor,
  publish,
  refusalOf,
  shaOf,
  storedAs,
} from "./world.ts";
import { uploadIdOf } from "./world.ts";
import type { Deployment, Tenant } from "./world.ts";

let t: Deployment;
let acme: Tenant;

beforeEach(async () => {
  t = deployment();
  acme = await addTenant(t, "acme");
});

const beginAll = (items: unknown[]) =>
  acme.agent.mutation(api.assets.beginBatch, { items: items as ReturnType<typeof intentFor>[] });

describe("a batch of begins", () => {
  test("[G3] replayed ten times equals once", async () => {
    const items = [0, 1, 2].map((chunkIndex) => intentFor(acme, { chunkIndex }));
    const first = await beginAll(items);
    expect(first.map((one) => one.ok && one.status)).toEqual(["pending", "pending", "pending"]);
    const before = await everything(t);
    for (let round = 1; round < 10; round += 1) expect(await beginAll(items)).toEqual(first);
    expect(await everything(t)).toBe(before);
  });

  test("[G7] answers each bad item with the refusal of its own call, and begins all the others", async () => {
    const other = await addTenant(t, "other");
    const bad = [
      intentFor(other),
      intentFor(acme, { entityId: "nothing" }),
      intentFor(acme, { contentType: "text/html" }),
      intentFor(acme, { assetType: "manifest" }),
      intentFor(acme, { size: 0 }),
      intentFor(acme, { chunkIndex: 100 }),
      { ...intentFor(acme), sha256: "no hash" },
      { ...intentFor(acme), uploadId: 7 },
      null,
      "an item",
      {},
    ];
    const good = bad.map((_, chunkIndex) => intentFor(acme, { chunkIndex }));
    const answers = await beginAll(bad.flatMap((item, index) => [item, good[index]]));
    const refused = answers.flatMap((one) => (one.ok ? [] : [one.code]));
    expect(refused).toEqual([
      "SCENE_NOT_FOUND",
      "SCENE_NOT_FOUND",
      "CONTENT_TYPE_FORBIDDEN",
      "INVALID_ASSET_TYPE",
      "FILE_EMPTY",
      ...new Array<string>(6).fill("INVALID_ARGUMENT"),
    ]);
    expect(answers.map((one) => one.ok)).toEqual(bad.flatMap(() => [false, true]));
    expect(await t.run((ctx) => ctx.db.query("assets").take(100))).toHaveLength(good.length);
    const alone = await refusalOf(beginOpen(acme.agent, bad[2] as (typeof good)[0]));
    expect(answers[4]).toEqual({ ok: false, code: alone.code, message: alone.message });
  });

  test("[G5] an item over quota leaves nothing behind, not even a key taken off the delete queue", async () => {
    const intent = intentFor(acme, { size: 900 });
    const { s3Key } = await publish(acme.agent, intent);
    await t.run(async (ctx) => {
      const [row] = await ctx.db.query("assets").take(1);
      await ctx.db.patch("assets", row!._id, { status: "missing" });
      await ctx.db.insert("deleteQueue", {
        tenantId: acme.tenantId,
        bucket: "reels",
        s3Key,
        reason: "lost",
        state: "queued",
        updatedAt: 1,
      });
      const [usage] = await ctx.db.query("usage").take(1);
      await ctx.db.patch("usage", usage!._id, { usedBytes: 0 });
      await ctx.db.patch("tenants", acme.tenantId, { quotaBytes: 1000 });
    });
    const [small, again] = await beginAll([intentFor(acme, { chunkIndex: 1, size: 200 }), intent]);
    expect(small).toMatchObject({ ok: true, status: "pending" });
    expect(again).toMatchObject({ ok: false, code: "QUOTA_EXCEEDED" });
    const [entry] = await t.run((ctx) => ctx.db.query("deleteQueue").take(10));
    expect(entry).toMatchObject({ state: "queued" });
    expect(await t.run((ctx) => ctx.db.query("usage").take(10))).toMatchObject([{ usedBytes: 200 }]);
  });

  test("[G7] more items than a transaction should hold are refused together, and nothing changes", async () => {
    const before = await everything(t);
    const items = Array.from({ length: MAX_BATCH_ITEMS + 1 }, () => intentFor(acme));
    expect(await refusalOf(beginAll(items))).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(await everything(t)).toBe(before);
  });
});

describe("a batch of commits", () => {
  async function begun(count: number) {
    const intents = Array.from({ length: count }, (_, chunkIndex) => intentFor(acme, { chunkIndex }));
    const answers = await beginAll(intents);
    return answers.map((one, index) => {
      if (!one.ok || one.status === "hash_first") throw new Error("refused");
      return { assetId: one.assetId, object: storedAs(intents[index]!) };
    });
  }
  const session = () => acme.agent.query(api.sessions.get, { sessionId: acme.sessionId });

  test("[G2] fills a scene with as many chunks as it may hold, counted once each", async () => {
    const items = await begun(100);
    const answers = await acme.agent.mutation(api.assets.commitBatch, { items });
    expect(answers.every((one) => one.ok && one.status === "ready")).toBe(true);
    expect(await acme.agent.mutation(api.assets.commitBatch, { items })).toEqual(answers);
    const timeline = await acme.people.viewer.query(api.playback.timeline, { sessionId: acme.sessionId });
    expect(timeline?.scenes[0]?.chunks.map(({ chunkIndex }) => chunkIndex)).toEqual([...items.keys()]);
    expect(await session()).toMatchObject({ assetCount: 100, totalAssetSize: 100_000, readyCount: 1 });
  }, 30_000);

  test("[G7] records the refusal of what S3 stored wrongly, and commits the rest", async () => {
    const items = await begun(3);
    items[1]!.object.size = 5;
    const unknown = { ...items[0]!, assetId: "nothing" };
    const answers = await acme.agent.mutation(api.assets.commitBatch, { items: [...items, unknown] });
    expect(answers).toMatchObject([
      { ok: true, status: "ready" },
      { ok: false, code: "COMMIT_REFUSED" },
      { ok: true, status: "ready" },
      { ok: false, code: "ASSET_NOT_FOUND" },
    ]);
    const row = await acme.agent.query(api.assets.get, { assetId: items[1]!.assetId });
    expect(row.status).toBe("error");
    expect(await session()).toMatchObject({ assetCount: 2 });
    expect(await acme.agent.query(api.scenes.get, { sceneId: acme.sceneId })).toMatchObject({
      assetsStatus: "error",
    });
  });

  test("[G4] of two versions of one place the later one becomes current, in whichever order they are committed", async () => {
    const [first, second] = await beginAll([intentFor(acme), intentFor(acme)]);
    if (!first?.ok || first.status === "hash_first") throw new Error("refused");
    if (!second?.ok || second.status === "hash_first") throw new Error("refused");
    expect([first.version, second.version]).toEqual([1, 2]);
    const object = storedAs({ size: 1000 });
    const answers = await acme.agent.mutation(api.assets.commitBatch, {
      items: [second, first].map(({ assetId }) => ({ assetId, object })),
    });
    expect(answers).toMatchObject([{ status: "ready" }, { status: "superseded" }]);
    expect(await session()).toMatchObject({ assetCount: 1 });
  });

  test("[G6] an unknown outcome is read back for all at once, and only one's own", async () => {
    const intents = [intentFor(acme), intentFor(acme, { chunkIndex: 1 })];
    await beginAll(intents);
    const uploadIds = [...intents.map(({ uploadId }) => uploadId), uploadIdOf(0xabcdef)];
    const rows = await acme.agent.query(api.assets.byUploads, { uploadIds });
    expect(rows.map((row) => row?.chunkIndex ?? null)).toEqual([0, 1, null]);
    const other = await addTenant(t, "other");
    expect(await other.agent.query(api.assets.byUploads, { uploadIds })).toEqual([null, null, null]);
  });
});

/** An upload of one of these places and contents, begun with its hash or without, and committed with the right or a wrong size. */
const upload = fc.record({
  place: fc.nat(4),
  content: fc.nat(2),
  isHashed: fc.boolean(),
  wrongSize: fc.nat(4).map((n) => n === 0),
});
const history = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("begin" as const), items: fc.array(upload, { minLength: 1, maxLength: 6 }) }),
    fc.record({
      do: fc.constant("commit" as const),
      of: fc.array(fc.nat(20), { minLength: 1, maxLength: 6 }),
    }),
  ),
  { maxLength: 8 },
);

const PLACES = [
  { assetType: "video_chunk", contentType: "video/mp4", chunkIndex: 0 },
  { assetType: "video_chunk", contentType: "video/mp4", chunkIndex: 1 },
  { assetType: "thumbnail", contentType: "image/png", chunkIndex: 0 },
  { assetType: "subtitle", contentType: "text/vtt", chunkIndex: 0 },
  // Refused: no scene holds one.
  { assetType: "manifest", contentType: "application/json", chunkIndex: 0 },
] as const;

async function play(steps: typeof history extends fc.Arbitrary<infer H> ? H : never, batched: boolean) {
  const own = deployment();
  const tenant = await addTenant(own, "acme");
  const { agent } = tenant;
  const opened: { assetId: string; size: number; sha256: string }[] = [];
  let uploads = 0;
  for (const one of steps) {
    if (one.do === "begin") {
      const items = one.items.map(({ place, content, ...how }) => ({
        ...intentFor(tenant),
        ...PLACES[place]!,
        uploadId: uploadIdOf(0x500000 + (uploads += 1)),
        sha256: shaOf(0x500000 + content),
        size: 100 + content,
        ...how,
      }));
      const intents = items.map(({ wrongSize: _, isHashed, sha256, ...intent }) =>
        isHashed ? { ...intent, sha256 } : intent,
      );
      const answers = batched
        ? await agent.mutation(api.assets.beginBatch, { items: intents })
        : await alone(intents, (intent) => agent.mutation(api.assets.begin, intent));
      for (const [index, answer] of answers.entries()) {
        const { size, sha256, wrongSize } = items[index]!;
        if (answer !== null && "assetId" in answer) {
          opened.push({ assetId: answer.assetId, size: wrongSize ? size + 1 : size, sha256 });
        }
      }
    } else if (opened.length > 0) {
      const chosen = one.of.map((number) => opened[number % opened.length]!);
      const items = chosen.map(({ assetId, size, sha256 }) => ({
        assetId,
        object: storedAs({ size }),
        sha256,
      }));
      if (batched) await agent.mutation(api.assets.commitBatch, { items });
      else await alone(items, (item) => agent.mutation(api.assets.commit, item));
    }
  }
  return own.run(async (ctx) => {
    const tables = Object.keys(schema.tables) as (keyof typeof schema.tables)[];
    const rows = await Promise.all(
      tables.map(async (table) => [table, await ctx.db.query(table).take(1000)]),
    );
    // What differs from run to run: clocks and random keys.
    return JSON.stringify(rows, (key, value: unknown) =>
      /^(_creationTime|\w*[aA]t|hash)$/.test(key) ? undefined : value,
    );
  });
}

async function alone<Item, Answer>(items: Item[], call: (item: Item) => Promise<Answer>) {
  const answers: (Answer | null)[] = [];
  for (const item of items) answers.push(await call(item).catch(() => null));
  return answers;
}

test("[G3] whatever a batch holds, it leaves the very rows its items would have left one by one", async () => {
  await fc.assert(
    fc.asyncProperty(history, async (steps) => {
      expect(await play(steps, true)).toBe(await play(steps, false));
    }),
    { numRuns: 60 },
  );
}, 120_000);
