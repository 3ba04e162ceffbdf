/**
 * The tables. Shapes that cross a boundary come from `contract/`; what stands here is what only the database knows:
 * tenant and parent ids, pointers, counters. Each table says who writes it and who reads it.
 */
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { zodToConvex, zodToConvexFields } from "convex-helpers/server/zod4";
import { agentReportSchema, rolloutStageSchema } from "../contract/agent-report.ts";
import { assetIntentSchema, assetSchema } from "../contract/asset.ts";
import { deadLetterSchema, deadLetterStateSchema } from "../contract/dead-letter.ts";
import { findingKindSchema, reconcileStatusSchema, repairSchema } from "../contract/reconcile.ts";
import { assetsStatusSchema, sceneStatusSchema } from "../contract/scene.ts";
import { roleSchema, sessionStatusSchema } from "../contract/session.ts";

/** What the timeline shows of a current asset, kept on its scene so that a timeline reads one row a scene. */
const currentAsset = v.object({
  assetId: v.id("assets"),
  version: v.number(),
  contentType: v.string(),
  size: v.number(),
  chunkIndex: v.number(),
  durationMs: v.optional(v.number()),
});

/** When a call was made, see `model/wishOrder.ts`. */
const wish = v.object({ at: v.number(), clock: v.optional(v.string()), tick: v.optional(v.number()) });

const countsByKind = v.object({
  object_without_record: v.number(),
  record_without_object: v.number(),
  size_mismatch: v.number(),
});

/** Why a rollout stage is what it is. */
const stageChange = {
  /** A person's name, or the name of the agent whose report told of the last error. */
  by: v.string(),
  automatic: v.boolean(),
  reason: v.optional(v.string()),
  /** What an automatic one was decided by. */
  figures: v.optional(v.object({ uploads: v.number(), errors: v.number(), windowMs: v.number() })),
};

export default defineSchema({
  /** Written by `setup` and `reconcile.freeze`, read by every function that needs a tenant's slug or limits. A slug never changes: object keys hold it. */
  tenants: defineTable({
    slug: v.string(),
    name: v.string(),
    quotaBytes: v.optional(v.number()),
    maxObjectBytes: v.optional(v.number()),
    /** There while nothing of the tenant may leave the bucket. */
    deleteFreeze: v.optional(v.object({ by: v.string(), since: v.number(), reason: v.string() })),
  }).index("by_slug", ["slug"]),

  /** Written by `setup`, read by the function builders on every call of a person. */
  members: defineTable({
    tenantId: v.id("tenants"),
    tokenIdentifier: v.string(),
    name: v.string(),
    email: v.optional(v.string()),
    role: zodToConvex(roleSchema),
  }).index("by_tokenIdentifier_and_tenantId", ["tokenIdentifier", "tenantId"]),

  /** Written by `setup` and (last use, at most hourly) by `POST /agent/token`; read by the builders on every call of an agent. */
  agentKeys: defineTable({
    tenantId: v.id("tenants"),
    name: v.string(),
    /** SHA-256 of the key, hex; the key itself is shown once and never stored. */
    hash: v.string(),
    /** Absent: the whole tenant. */
    projectIds: v.optional(v.array(v.id("projects"))),
    revokedAt: v.optional(v.number()),
    lastUsedAt: v.optional(v.number()),
  }).index("by_hash", ["hash"]),

  /** Written by `sessions.create` on first use, read where an object key is made. A slug never changes: object keys hold it. */
  projects: defineTable({
    tenantId: v.id("tenants"),
    slug: v.string(),
  }).index("by_tenantId_and_slug", ["tenantId", "slug"]),

  /** Written by `sessions.*`, by scenes that change state and by commits (totals, pointers); read by lists and timelines. */
  sessions: defineTable({
    tenantId: v.id("tenants"),
    projectId: v.id("projects"),
    project: v.string(),
    sessionKey: v.string(),
    title: v.string(),
    status: zodToConvex(sessionStatusSchema),
    errorMessage: v.optional(v.string()),
    plannedSceneCount: v.optional(v.number()),
    sceneCount: v.number(),
    readyCount: v.number(),
    failedCount: v.number(),
    /** Sum and number of the current versions (status `ready`) of the session and its scenes: what a viewer can be sent. */
    totalAssetSize: v.number(),
    assetCount: v.number(),
    combinedVideoAssetId: v.optional(v.id("assets")),
    combinedSubtitleAssetId: v.optional(v.id("assets")),
    manifestAssetId: v.optional(v.id("assets")),
    thumbnailAssetId: v.optional(v.id("assets")),
    updatedAt: v.number(),
  })
    .index("by_tenantId", ["tenantId"])
    .index("by_projectId_and_sessionKey", ["projectId", "sessionKey"]),

  /** Written by `scenes.upsert` and by every asset whose state changes; read by timelines and scene pages. */
  scenes: defineTable({
    tenantId: v.id("tenants"),
    projectId: v.id("projects"),
    sessionId: v.id("sessions"),
    sceneKey: v.string(),
    index: v.number(),
    title: v.string(),
    status: zodToConvex(sceneStatusSchema),
    errorMessage: v.optional(v.string()),
    plannedDurationMs: v.optional(v.number()),
    assetsStatus: zodToConvex(assetsStatusSchema),
    assetsErrorMessage: v.optional(v.string()),
    /** Slots (`assetType/chunkIndex`) whose newest upload failed; at most one entry a slot, and slots are bounded. */
    failedSlots: v.array(v.string()),
    assetVersion: v.number(),
    chunks: v.array(currentAsset),
    subtitle: v.optional(currentAsset),
    thumbnail: v.optional(currentAsset),
    sourceCode: v.optional(currentAsset),
  })
    .index("by_sessionId_and_sceneKey", ["sessionId", "sceneKey"])
    .index("by_sessionId_and_index", ["sessionId", "index"]),

  /** One row per version. Written by `assets.*`, the hourly job and reconcile; read by scene pages, playback and reconcile. Never deleted. */
  assets: defineTable({
    tenantId: v.id("tenants"),
    projectId: v.id("projects"),
    sessionId: v.id("sessions"),
    sceneId: v.optional(v.id("scenes")),
    ...zodToConvexFields(assetSchema.omit({ assetId: true, createdAt: true }).shape),
    bucket: v.string(),
    errorCode: v.optional(v.string()),
    /** When this version was last (re)opened for bytes: what the hourly job measures an upload's age by. */
    openedAt: v.number(),
    /** When the newest call that asked for this version was made. Absent from versions older than the field. */
    wish: v.optional(wish),
  })
    .index("by_entityId_and_assetType_and_chunkIndex_and_version", [
      "entityId",
      "assetType",
      "chunkIndex",
      "version",
    ])
    .index("by_entityId_and_status_and_assetType_and_chunkIndex_and_version", [
      "entityId",
      "status",
      "assetType",
      "chunkIndex",
      "version",
    ])
    .index("by_sessionId_and_sceneId_and_assetType_and_chunkIndex", [
      "sessionId",
      "sceneId",
      "assetType",
      "chunkIndex",
    ])
    .index("by_sessionId_and_status_and_sceneId_and_assetType_and_chunkIndex", [
      "sessionId",
      "status",
      "sceneId",
      "assetType",
      "chunkIndex",
    ])
    .index("by_tenantId_and_s3Key", ["tenantId", "s3Key"])
    .index("by_tenantId_and_storageBackend_and_status", ["tenantId", "storageBackend", "status"])
    .index("by_status_and_openedAt", ["status", "openedAt"]),

  /** One row per upload call, leading to the asset row it ended at. Written by `assets.begin`, read by every repeat of it. */
  uploadCalls: defineTable({
    tenantId: v.id("tenants"),
    uploadId: v.string(),
    assetId: v.id("assets"),
    deduped: v.boolean(),
    /** When the call was made, as early as was ever told. */
    wish: v.optional(wish),
  })
    .index("by_tenantId_and_uploadId", ["tenantId", "uploadId"])
    .index("by_assetId", ["assetId"]),

  /** Uploads given up on. Written by agents (`record`, `claim`, `settle`), admins (replay, discard) and commits (resolved); read by the console and agents. */
  deadLetters: defineTable({
    tenantId: v.id("tenants"),
    projectId: v.optional(v.id("projects")),
    sessionId: v.optional(v.id("sessions")),
    sceneId: v.optional(v.id("scenes")),
    uploadId: v.string(),
    ...zodToConvexFields(deadLetterSchema.shape),
    intent: zodToConvex(assetIntentSchema),
    state: zodToConvex(deadLetterStateSchema),
    /** Why it was discarded. */
    reason: v.optional(v.string()),
    /** While `replaying`: whose replay, how long at most, and what the letter goes back to when nothing is heard of it. */
    claim: v.optional(
      v.object({
        id: v.string(),
        until: v.number(),
        from: v.union(v.literal("parked"), v.literal("replay_requested")),
      }),
    ),
    /** When the parked call was made. */
    wish: v.optional(wish),
    updatedAt: v.number(),
  })
    .index("by_tenantId_and_uploadId", ["tenantId", "uploadId"])
    // The whole list is newest first, which an index that goes on with the state cannot give.
    // eslint-disable-next-line @convex-dev/no-duplicate-indexes
    .index("by_tenantId", ["tenantId"])
    .index("by_tenantId_and_state", ["tenantId", "state"])
    .index("by_tenantId_and_agent_and_state", ["tenantId", "agent", "state"]),

  /** Objects on their way out, one row per key. Written by refused commits and reconcile; read by `assets.begin`, which must not reuse a key while its object is taken away. */
  deleteQueue: defineTable({
    tenantId: v.id("tenants"),
    bucket: v.string(),
    s3Key: v.string(),
    reason: v.string(),
    state: v.union(
      v.literal("queued"),
      v.literal("deleting"),
      v.literal("quarantined"),
      v.literal("cancelled"),
      v.literal("failed"),
    ),
    claimedAt: v.optional(v.number()),
    quarantineKey: v.optional(v.string()),
    note: v.optional(v.string()),
    updatedAt: v.number(),
  })
    .index("by_tenantId_and_s3Key", ["tenantId", "s3Key"])
    .index("by_state_and_updatedAt", ["state", "updatedAt"]),

  /** One row per comparison of bucket and records. Written by the reconcile action's steps, read by the console. */
  reconcileRuns: defineTable({
    tenantId: v.id("tenants"),
    status: zodToConvex(reconcileStatusSchema),
    graceMs: v.number(),
    startedAt: v.number(),
    progressAt: v.number(),
    finishedAt: v.optional(v.number()),
    objectsSeen: v.number(),
    /** Of these, the ones too young to be judged. */
    youngObjects: v.optional(v.number()),
    recordsSeen: v.number(),
    /** Records of files in agents' folders, which the bucket says nothing about. */
    localRecords: v.optional(v.number()),
    findingCounts: countsByKind,
    bytes: countsByKind,
    error: v.optional(v.string()),
  })
    .index("by_tenantId", ["tenantId"])
    .index("by_status_and_progressAt", ["status", "progressAt"]),

  /** What a run found. Written by the run and by `reconcile.apply`, read by the console. */
  reconcileFindings: defineTable({
    tenantId: v.id("tenants"),
    runId: v.id("reconcileRuns"),
    kind: zodToConvex(findingKindSchema),
    bucket: v.string(),
    s3Key: v.string(),
    objectSize: v.optional(v.number()),
    objectEtag: v.optional(v.string()),
    lastModified: v.optional(v.number()),
    recordSize: v.optional(v.number()),
    assetId: v.optional(v.id("assets")),
    reason: v.string(),
    repair: zodToConvex(repairSchema),
    state: v.union(
      v.literal("open"),
      v.literal("applying"),
      v.literal("applied"),
      v.literal("skipped"),
      v.literal("failed"),
    ),
    note: v.optional(v.string()),
  }).index("by_runId_and_kind", ["runId", "kind"]),

  /** Bytes a tenant holds, one row per tenant: every distinct object stored or announced. Written by `begin`, `fail` and repairs, read by `begin` (quota). A commit of what was announced moves nothing here. */
  usage: defineTable({
    tenantId: v.id("tenants"),
    usedBytes: v.number(),
  }).index("by_tenantId", ["tenantId"]),

  /** How each running agent is, one row for each key and agent name. Written by `agents.report`, read by the admin console and by nothing that viewers see. */
  agentHealth: defineTable({
    tenantId: v.id("tenants"),
    agentKeyId: v.id("agentKeys"),
    keyName: v.string(),
    ...zodToConvexFields(agentReportSchema.omit({ journal: true, outcomes: true }).shape),
    journal: v.optional(v.object({ depth: v.number(), oldestSince: v.optional(v.number()) })),
    /** Ended uploads of the last five minutes, of all processes of this name. */
    outcomes: v.optional(
      v.object({
        /** The last report of each process that was added; bounded. */
        added: v.array(v.object({ instance: v.string(), sequence: v.number() })),
        buckets: v.array(
          v.object({
            at: v.number(),
            stage: zodToConvex(rolloutStageSchema),
            project: v.optional(v.string()),
            uploads: v.number(),
            errors: v.number(),
          }),
        ),
      }),
    ),
    reportedAt: v.number(),
  })
    .index("by_agentKeyId_and_agent", ["agentKeyId", "agent"])
    // The list is in order of appearance, which an index that goes on with the report's time cannot give.
    // eslint-disable-next-line @convex-dev/no-duplicate-indexes
    .index("by_tenantId", ["tenantId"])
    .index("by_tenantId_and_reportedAt", ["tenantId", "reportedAt"]),

  /** How far uploads are rolled out: one row for a tenant and one for each project with a stage of its own. Written by `flags.set` and by automatic rollbacks, read by agents. No row: the default. */
  flags: defineTable({
    tenantId: v.id("tenants"),
    projectId: v.optional(v.id("projects")),
    project: v.optional(v.string()),
    stage: zodToConvex(rolloutStageSchema),
    /** Not to be taken back by itself. */
    pinned: v.boolean(),
    from: zodToConvex(rolloutStageSchema),
    changedAt: v.number(),
    ...stageChange,
  }).index("by_tenantId_and_projectId", ["tenantId", "projectId"]),

  /** Every change of a flag. Written with it, read by the console; never changed. */
  flagChanges: defineTable({
    tenantId: v.id("tenants"),
    project: v.optional(v.string()),
    from: zodToConvex(rolloutStageSchema),
    to: zodToConvex(rolloutStageSchema),
    pinned: v.boolean(),
    ...stageChange,
  }).index("by_tenantId", ["tenantId"]),

  /** What admins did. Written by admin functions, read by the console; never changed. */
  auditLog: defineTable({
    tenantId: v.id("tenants"),
    actor: v.string(),
    actorName: v.string(),
    action: v.string(),
    target: v.string(),
    detail: v.optional(v.string()),
  }).index("by_tenantId", ["tenantId"]),
});
