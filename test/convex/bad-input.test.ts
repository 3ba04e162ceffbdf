import { beforeEach, describe, expect, test, vi } from "vitest";
import { MAX_CHUNKS_PER_SCENE, MAX_OBJECT_BYTES } from "../../contract/limits.ts";
import { ERRORS } from "../../contract/error-code.ts";
import type { ErrorCode } from "../../contract/error-code.ts";
import { api, internal } from "../../convex/_generated/api";
import {
  addTenant,
  beginOpen,
  deployment,
  everything,
  intentFor,
  person,
  publish,
  refusalOf,
  storedAs,
} from "./world.ts";
import type { Deployment, Tenant } from "./world.ts";

let t: Deployment;
let acme: Tenant;

beforeEach(async () => {
  t = deployment();
  acme = await addTenant(t, "acme");
});

interface Case {
  what: string;
  code: ErrorCode;
  /** What the message must name. */
  names: RegExp;
  call: () => Promise<unknown>;
}

const begin = (over: Record<string, unknown>) =>
  acme.agent.mutation(api.assets.begin, { ...intentFor(acme), ...over });

const CASES: Case[] = [
  {
    what: "a scene that does not exist",
    code: "SCENE_NOT_FOUND",
    names: /nothing/,
    call: () => begin({ entityId: "nothing" }),
  },
  {
    what: "a session that does not exist",
    code: "SESSION_NOT_FOUND",
    names: /nothing/,
    call: () => begin({ entityType: "session", assetType: "manifest", entityId: "nothing" }),
  },
  {
    what: "the id of a session where a scene's belongs",
    code: "SCENE_NOT_FOUND",
    names: /scene/,
    call: () => begin({ entityId: acme.sessionId }),
  },
  {
    what: "an asset type the entity does not take",
    code: "INVALID_ASSET_TYPE",
    names: /combined_video.*video_chunk/,
    call: () => begin({ assetType: "combined_video" }),
  },
  {
    what: "an asset type nobody knows",
    code: "INVALID_ASSET_TYPE",
    names: /"movie"/,
    call: () => begin({ assetType: "movie" }),
  },
  {
    what: "the entity type kept for later",
    code: "INVALID_ARGUMENT",
    names: /entityType/,
    call: () => begin({ entityType: "upload" }),
  },
  {
    what: "a content type the asset type does not accept",
    code: "CONTENT_TYPE_FORBIDDEN",
    names: /video\/\*.*"image\/png"/,
    call: () => begin({ contentType: "image/png" }),
  },
  {
    what: "HTML, which would run script on the bucket's origin",
    code: "CONTENT_TYPE_FORBIDDEN",
    names: /text\/html/,
    call: () => begin({ assetType: "source_code", contentType: "text/html; charset=utf-8" }),
  },
  {
    what: "an object larger than S3 takes",
    code: "FILE_TOO_LARGE",
    names: new RegExp(String(MAX_OBJECT_BYTES)),
    call: () => begin({ size: MAX_OBJECT_BYTES + 1 }),
  },
  {
    what: "a file without bytes",
    code: "FILE_EMPTY",
    names: /size/,
    call: () => begin({ size: 0 }),
  },
  {
    what: "a checksum that is none",
    code: "INVALID_ARGUMENT",
    names: /sha256.*64 characters/,
    call: () => begin({ sha256: "ABC" }),
  },
  {
    what: "an upload id that is none",
    code: "INVALID_ARGUMENT",
    names: /uploadId/,
    call: () => begin({ uploadId: "1" }),
  },
  {
    what: "more chunks than a scene holds",
    code: "INVALID_ARGUMENT",
    names: /chunkIndex/,
    call: () => begin({ chunkIndex: MAX_CHUNKS_PER_SCENE }),
  },
  {
    what: "a second chunk of what comes once",
    code: "INVALID_ARGUMENT",
    names: /chunkIndex/,
    call: () => begin({ assetType: "thumbnail", contentType: "image/png", chunkIndex: 1 }),
  },
  {
    what: "metadata larger than a document should carry",
    code: "INVALID_ARGUMENT",
    names: /metadata/,
    call: () => begin({ metadata: { note: "x".repeat(9_000) } }),
  },
  {
    what: "a commit of an asset that does not exist",
    code: "ASSET_NOT_FOUND",
    names: /nothing/,
    call: () => acme.agent.mutation(api.assets.commit, { assetId: "nothing", object: storedAs({ size: 1 }) }),
  },
  {
    what: "a project that is no slug",
    code: "INVALID_ARGUMENT",
    names: /project.*slug/,
    call: () => acme.agent.mutation(api.sessions.create, { project: "No Slug", sessionKey: "k", title: "t" }),
  },
  {
    what: "a scene of a session that does not exist",
    code: "SESSION_NOT_FOUND",
    names: /nothing/,
    call: () =>
      acme.agent.mutation(api.scenes.upsert, {
        sessionId: "nothing",
        sceneKey: "k",
        index: 0,
        title: "t",
      }),
  },
  {
    what: "no token",
    code: "UNAUTHENTICATED",
    names: /token/,
    call: () => t.mutation(api.assets.begin, intentFor(acme)),
  },
  {
    what: "a person who is a member of nothing",
    code: "SCENE_NOT_FOUND",
    names: /scene/,
    call: () => person(t, "stranger").mutation(api.assets.begin, intentFor(acme)),
  },
  {
    what: "a viewer who uploads",
    code: "FORBIDDEN",
    names: /role editor/,
    call: () => acme.people.viewer.mutation(api.assets.begin, intentFor(acme)),
  },
  {
    what: "an editor who reconciles",
    code: "FORBIDDEN",
    names: /role admin/,
    call: () => acme.people.editor.mutation(api.reconcile.start, {}),
  },
  {
    what: "an agent who reconciles",
    code: "FORBIDDEN",
    names: /[Aa]gent/,
    call: () => acme.agent.mutation(api.reconcile.start, {}),
  },
  {
    what: "a person who speaks as an agent",
    code: "FORBIDDEN",
    names: /agents/,
    call: () => acme.people.owner.query(api.deadLetters.replayRequests, { agent: "a" }),
  },
  {
    what: "a token of an agent key that does not exist",
    code: "AGENT_KEY_INVALID",
    names: /key/,
    call: () =>
      t.withIdentity({ issuer: "https://agents.test", subject: acme.sceneId }).query(api.viewer.me, {}),
  },
];

describe("[G7] bad input gets a coded error with the fix, and changes nothing", () => {
  test.each(CASES)("$what → $code", async ({ code, names, call }) => {
    const before = await everything(t);
    const refused = await refusalOf(call());
    expect(refused.code).toBe(code);
    expect(refused.message).toMatch(names);
    expect(refused.message).toContain(ERRORS[code].fix);
    expect(await everything(t)).toBe(before);
  });

  test("an upload id used again for other content → INVALID_ARGUMENT", async () => {
    const intent = intentFor(acme);
    await acme.agent.mutation(api.assets.begin, intent);
    const before = await everything(t);
    const other = { ...intent, sha256: intentFor(acme).sha256 };
    const refused = await refusalOf(acme.agent.mutation(api.assets.begin, other));
    expect(refused).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(await everything(t)).toBe(before);
  });

  test("more bytes than the quota holds → QUOTA_EXCEEDED; in-flight uploads count, failed ones do not", async () => {
    await t.mutation(internal.setup.limit, { tenant: "acme", quotaBytes: 2_500 });
    await publish(acme.agent, intentFor(acme, { size: 1_000 }));
    const inFlight = await beginOpen(acme.agent, intentFor(acme, { size: 1_000 }));
    const before = await everything(t);
    const third = intentFor(acme, { size: 1_000 });
    const refused = await refusalOf(acme.agent.mutation(api.assets.begin, third));
    expect(refused).toMatchObject({ code: "QUOTA_EXCEEDED" });
    expect(refused.message).toMatch(/3000 of 2500/);
    expect(await everything(t)).toBe(before);
    await acme.agent.mutation(api.assets.fail, {
      assetId: inFlight.assetId,
      code: "ABORTED",
      message: "stopped",
    });
    expect(await publish(acme.agent, third)).toMatchObject({ committed: { status: "ready" } });
  });

  test("a file larger than the tenant's own limit → FILE_TOO_LARGE", async () => {
    await t.mutation(internal.setup.limit, { tenant: "acme", maxObjectBytes: 500 });
    expect(await refusalOf(begin({ size: 501 }))).toMatchObject({ code: "FILE_TOO_LARGE" });
    expect(await begin({ size: 500 })).toMatchObject({ status: "pending" });
  });

  test("a new scene in a session that ended → SESSION_ENDED; a re-render of one it has is taken", async () => {
    await acme.agent.mutation(api.sessions.end, { sessionId: acme.sessionId, outcome: "ended" });
    const before = await everything(t);
    const upsert = { sessionId: acme.sessionId, index: 1, title: "Late" };
    expect(
      await refusalOf(acme.agent.mutation(api.scenes.upsert, { ...upsert, sceneKey: "late" })),
    ).toMatchObject({ code: "SESSION_ENDED" });
    expect(await everything(t)).toBe(before);
    expect(await publish(acme.agent, intentFor(acme))).toMatchObject({
      committed: { status: "ready" },
    });
  });

  test("a deployment without a bucket → STORAGE_UNCONFIGURED", async () => {
    vi.stubEnv("S3_BUCKET", "");
    const before = await everything(t);
    const refused = await refusalOf(begin({}));
    expect(refused.code).toBe("STORAGE_UNCONFIGURED");
    expect(refused.message).toMatch(/S3_BUCKET/);
    expect(await everything(t)).toBe(before);
  });

  test("a revoked agent key counts at once, whatever its token says", async () => {
    await t.run(async (ctx) => {
      const [key] = await ctx.db.query("agentKeys").take(1);
      await ctx.db.patch("agentKeys", key!._id, { revokedAt: 1 });
    });
    expect(await refusalOf(begin({}))).toMatchObject({ code: "AGENT_KEY_INVALID" });
  });
});
