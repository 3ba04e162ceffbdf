/** Every public function once: who may call it, and a call of it that names rows by these ids. A walk over this table cannot forget one, because a test compares it with what is exported. */
import { api } from "../../convex/_generated/api";
import { FIRST_PAGE, intentFor, modules, storedAs, uploadIdOf } from "./world.ts";
import type { Speaker } from "./world.ts";

/** Rows of one tenant, or ids that look like them. */
export type Ids = Record<IdName, string>;
type IdName =
  | "tenantId"
  | "sessionId"
  | "sceneId"
  | "assetId"
  | "s3Key"
  | "uploadId"
  | "deadLetterId"
  | "runId"
  | "findingId";

export type Who = "viewer" | "editor" | "admin" | "owner" | "agent";

interface PublicFunction {
  who: readonly Who[];
  call: (speaker: Speaker, ids: Ids) => Promise<unknown>;
}

const EVERYONE: readonly Who[] = ["viewer", "editor", "admin", "owner", "agent"];
const EDITORS: readonly Who[] = ["editor", "admin", "owner", "agent"];
const ADMINS: readonly Who[] = ["admin", "owner"];
const AGENTS: readonly Who[] = ["agent"];

const letterFor = (ids: Ids) => ({
  intent: { ...intentFor({ sceneId: ids.sceneId as never }), uploadId: ids.uploadId },
  code: "S3_UNAVAILABLE",
  message: "no answer",
  step: "upload" as const,
  attempts: 3,
  agent: "renderer",
});

export const PUBLIC_FUNCTIONS: Record<string, PublicFunction> = {
  "viewer:me": { who: EVERYONE, call: (s) => s.query(api.viewer.me, {}) },
  "sessions:create": {
    who: EDITORS,
    call: (s, { tenantId }) =>
      s.mutation(api.sessions.create, { tenantId, project: "reels", sessionKey: "new", title: "New" }),
  },
  "sessions:end": {
    who: EDITORS,
    call: (s, { sessionId }) => s.mutation(api.sessions.end, { sessionId, outcome: "ended" }),
  },
  "sessions:list": {
    who: EVERYONE,
    call: (s, { tenantId }) => s.query(api.sessions.list, { tenantId, paginationOpts: FIRST_PAGE }),
  },
  "sessions:get": {
    who: EVERYONE,
    call: (s, { sessionId }) => s.query(api.sessions.get, { sessionId }),
  },
  "scenes:upsert": {
    who: EDITORS,
    call: (s, { sessionId }) =>
      s.mutation(api.scenes.upsert, { sessionId, sceneKey: "taken", index: 3, title: "Taken over" }),
  },
  "scenes:get": { who: EVERYONE, call: (s, { sceneId }) => s.query(api.scenes.get, { sceneId }) },
  "scenes:versions": {
    who: EVERYONE,
    call: (s, { sceneId }) =>
      s.query(api.scenes.versions, { sceneId, assetType: "video_chunk", paginationOpts: FIRST_PAGE }),
  },
  "assets:begin": {
    who: EDITORS,
    call: (s, { sceneId }) =>
      s.mutation(api.assets.begin, {
        ...intentFor({ sceneId: sceneId as never }),
        uploadId: uploadIdOf(0xffffff),
      }),
  },
  "assets:beginBatch": {
    who: EDITORS,
    call: (s, { sceneId }) =>
      s.mutation(api.assets.beginBatch, {
        items: [{ ...intentFor({ sceneId: sceneId as never }), uploadId: uploadIdOf(0xfffffe) }],
      }),
  },
  "assets:uploading": {
    who: AGENTS,
    call: (s, { assetId }) => s.mutation(api.assets.uploading, { assetId }),
  },
  "assets:commit": {
    who: EDITORS,
    call: (s, { assetId }) => s.mutation(api.assets.commit, { assetId, object: storedAs({ size: 1000 }) }),
  },
  "assets:commitBatch": {
    who: EDITORS,
    call: (s, { assetId }) =>
      s.mutation(api.assets.commitBatch, { items: [{ assetId, object: storedAs({ size: 1000 }) }] }),
  },
  "assets:fail": {
    who: EDITORS,
    call: (s, { assetId }) => s.mutation(api.assets.fail, { assetId, code: "ABORTED", message: "stopped" }),
  },
  "assets:byUpload": {
    who: EVERYONE,
    call: (s, { uploadId }) => s.query(api.assets.byUpload, { uploadId }),
  },
  "assets:byUploads": {
    who: EVERYONE,
    call: (s, { uploadId }) => s.query(api.assets.byUploads, { uploadIds: [uploadId] }),
  },
  "assets:get": { who: EVERYONE, call: (s, { assetId }) => s.query(api.assets.get, { assetId }) },
  "assets:byKey": { who: EVERYONE, call: (s, { s3Key }) => s.query(api.assets.byKey, { s3Key }) },
  "assets:cleanup": {
    who: [...ADMINS, "agent"],
    call: (s, { tenantId, s3Key }) =>
      s.mutation(api.assets.cleanup, { tenantId, s3Keys: [s3Key], dryRun: false }),
  },
  "assets:ofSession": {
    who: EVERYONE,
    call: (s, { sessionId }) =>
      s.query(api.assets.ofSession, { sessionId, history: true, paginationOpts: FIRST_PAGE }),
  },
  "storage:records": {
    who: [...ADMINS, "agent"],
    call: (s, { tenantId }) =>
      s.query(api.storage.records, {
        tenantId,
        storageBackend: "s3",
        status: "ready",
        paginationOpts: FIRST_PAGE,
      }),
  },
  "storage:prepareMove": {
    who: [...ADMINS, "agent"],
    call: (s, { assetId }) => s.mutation(api.storage.prepareMove, { assetId, to: "s3" }),
  },
  "storage:move": {
    who: [...ADMINS, "agent"],
    call: (s, { assetId }) =>
      s.mutation(api.storage.move, {
        assetId,
        to: "s3",
        sha256: "0".repeat(64),
        object: storedAs({ size: 1000 }),
        preparedAt: 0,
        deleteSource: true,
      }),
  },
  "agents:report": {
    who: AGENTS,
    call: (s) =>
      s.mutation(api.agents.report, {
        agent: "renderer",
        version: "0.1.0",
        breakers: { s3: "closed", convex: "closed" },
        queueDepth: 0,
      }),
  },
  "agents:list": {
    who: ADMINS,
    call: (s, { tenantId }) => s.query(api.agents.list, { tenantId, paginationOpts: FIRST_PAGE }),
  },
  "flags:get": {
    who: [...ADMINS, "agent"],
    call: (s, { tenantId }) => s.query(api.flags.get, { tenantId }),
  },
  "flags:projectOf": {
    who: AGENTS,
    call: (s, { sceneId }) => s.query(api.flags.projectOf, { entityType: "scene", entityId: sceneId }),
  },
  "flags:set": {
    who: ADMINS,
    call: (s, { tenantId }) => s.mutation(api.flags.set, { tenantId, stage: "shadow" }),
  },
  "flags:history": {
    who: ADMINS,
    call: (s, { tenantId }) => s.query(api.flags.history, { tenantId, paginationOpts: FIRST_PAGE }),
  },
  "playback:timeline": {
    who: EVERYONE,
    call: (s, { sessionId }) => s.query(api.playback.timeline, { sessionId }),
  },
  "playback:urls": {
    who: EVERYONE,
    call: (s, { assetId }) => s.action(api.playback.urls, { assetIds: [assetId] }),
  },
  "deadLetters:record": {
    who: AGENTS,
    call: (s, ids) => s.mutation(api.deadLetters.record, letterFor(ids)),
  },
  "deadLetters:list": {
    who: [...ADMINS, "agent"],
    call: (s, { tenantId }) => s.query(api.deadLetters.list, { tenantId, paginationOpts: FIRST_PAGE }),
  },
  "deadLetters:get": {
    who: [...ADMINS, "agent"],
    call: (s, { deadLetterId, tenantId }) => s.query(api.deadLetters.get, { id: deadLetterId, tenantId }),
  },
  "deadLetters:requestReplay": {
    who: ADMINS,
    call: (s, { deadLetterId }) => s.mutation(api.deadLetters.requestReplay, { deadLetterId }),
  },
  "deadLetters:replayRequests": {
    who: AGENTS,
    call: (s) => s.query(api.deadLetters.replayRequests, { agent: "renderer" }),
  },
  "deadLetters:claim": {
    who: AGENTS,
    call: (s, { deadLetterId }) => s.mutation(api.deadLetters.claim, { deadLetterId }),
  },
  "deadLetters:settle": {
    who: AGENTS,
    call: (s, { deadLetterId }) => s.mutation(api.deadLetters.settle, { deadLetterId, outcome: "parked" }),
  },
  "deadLetters:discard": {
    who: ADMINS,
    call: (s, { deadLetterId }) =>
      s.mutation(api.deadLetters.discard, { deadLetterId, reason: "not needed" }),
  },
  "reconcile:start": {
    who: ADMINS,
    call: (s, { tenantId }) => s.mutation(api.reconcile.start, { tenantId }),
  },
  "reconcile:runs": {
    who: ADMINS,
    call: (s, { tenantId }) => s.query(api.reconcile.runs, { tenantId, paginationOpts: FIRST_PAGE }),
  },
  "reconcile:report": {
    who: ADMINS,
    call: (s, { runId }) => s.query(api.reconcile.report, { runId }),
  },
  "reconcile:findings": {
    who: ADMINS,
    call: (s, { runId }) => s.query(api.reconcile.findings, { runId, paginationOpts: FIRST_PAGE }),
  },
  "reconcile:apply": {
    who: ADMINS,
    call: (s, { runId, findingId }) => s.mutation(api.reconcile.apply, { runId, findingIds: [findingId] }),
  },
  "reconcile:frozen": {
    who: [...ADMINS, "agent"],
    call: (s, { tenantId }) => s.query(api.reconcile.frozen, { tenantId }),
  },
  "reconcile:freeze": {
    who: ADMINS,
    call: (s, { tenantId }) => s.mutation(api.reconcile.freeze, { tenantId, reason: "not now" }),
  },
  "reconcile:thaw": {
    who: ADMINS,
    call: (s, { tenantId }) => s.mutation(api.reconcile.thaw, { tenantId }),
  },
};

/** What the deployment exports to everybody, found by loading every module. */
export async function exportedPublicFunctions(): Promise<string[]> {
  const names: string[] = [];
  for (const [path, load] of Object.entries(modules)) {
    const name = /\/convex\/([A-Za-z]+)\.ts$/.exec(path)?.[1];
    if (name === undefined) continue;
    for (const [member, value] of Object.entries((await load()) as Record<string, unknown>)) {
      if ((value as { isPublic?: boolean } | null)?.isPublic === true) names.push(`${name}:${member}`);
    }
  }
  return names;
}
