/** Sessions: created once a natural key, ended once, their counters moved by whoever changes what they count. */
import type { SessionCreate, SessionStatus } from "../../contract/session.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { requireOwned, sees, tenantOf } from "./access.ts";
import type { Caller } from "./access.ts";
import { assetView } from "./assetRows.ts";
import type { AssetView } from "./assetRows.ts";
import { bounded } from "./page.ts";
import type { PaginationOpts } from "./page.ts";
import { present } from "./present.ts";
import { refuse } from "./refusal.ts";

export interface SessionSummary {
  sessionId: Id<"sessions">;
  title: string;
  project: string;
  status: SessionStatus;
  sceneCount: number;
  readyCount: number;
  failedCount: number;
  plannedSceneCount?: number;
  totalAssetSize: number;
  assetCount: number;
  createdAt: number;
  updatedAt: number;
  thumbnailAssetId?: Id<"assets">;
}

export interface SessionView extends SessionSummary {
  combinedVideoAsset?: AssetView;
  combinedSubtitleAsset?: AssetView;
  manifestAsset?: AssetView;
  errorMessage?: string;
}

export async function createSession(
  ctx: MutationCtx,
  caller: Caller,
  create: SessionCreate & { tenantId?: string | undefined },
): Promise<{ sessionId: Id<"sessions">; created: boolean }> {
  const tenantId = tenantOf(caller, create.tenantId);
  const projectId = await openProject(ctx, caller, tenantId, create.project);
  const existing = await ctx.db
    .query("sessions")
    .withIndex("by_projectId_and_sessionKey", (q) =>
      q.eq("projectId", projectId).eq("sessionKey", create.sessionKey),
    )
    .unique();
  if (existing !== null) return { sessionId: existing._id, created: false };
  const sessionId = await ctx.db.insert("sessions", {
    tenantId,
    projectId,
    project: create.project,
    sessionKey: create.sessionKey,
    title: create.title,
    status: "live",
    ...present({ plannedSceneCount: create.plannedSceneCount }),
    sceneCount: 0,
    readyCount: 0,
    failedCount: 0,
    totalAssetSize: 0,
    assetCount: 0,
    updatedAt: Date.now(),
  });
  return { sessionId, created: true };
}

/** A key scoped to projects can neither see nor create another; to it, both look like a project that is not covered. */
async function openProject(
  ctx: MutationCtx,
  caller: Caller,
  tenantId: Id<"tenants">,
  slug: string,
): Promise<Id<"projects">> {
  const project = await projectBySlug(ctx, tenantId, slug);
  const scoped = caller.kind === "agent" && caller.projectIds !== null;
  if (scoped && (project === null || !sees(caller, { tenantId, projectId: project._id }))) {
    refuse("FORBIDDEN", `This agent key does not cover the project "${slug}".`);
  }
  return project?._id ?? ctx.db.insert("projects", { tenantId, slug });
}

export async function projectBySlug(ctx: QueryCtx, tenantId: Id<"tenants">, slug: string) {
  return ctx.db
    .query("projects")
    .withIndex("by_tenantId_and_slug", (q) => q.eq("tenantId", tenantId).eq("slug", slug))
    .unique();
}

/** The first end stands: a duplicate or late second one changes nothing. */
export async function endSession(
  ctx: MutationCtx,
  caller: Caller,
  end: { sessionId: string; outcome: "ended" | "failed"; errorMessage?: string | undefined },
): Promise<null> {
  const session = await requireOwned(ctx, caller, "sessions", end.sessionId, "SESSION_NOT_FOUND");
  if (session.status !== "live") return null;
  await ctx.db.patch("sessions", session._id, {
    status: end.outcome,
    ...present({ errorMessage: end.errorMessage }),
    updatedAt: Date.now(),
  });
  return null;
}

export async function listSessions(
  ctx: QueryCtx,
  caller: Caller,
  args: { paginationOpts: PaginationOpts; tenantId?: string | undefined },
) {
  const tenantId = tenantOf(caller, args.tenantId);
  const result = await ctx.db
    .query("sessions")
    .withIndex("by_tenantId", (q) => q.eq("tenantId", tenantId))
    .order("desc")
    .paginate(bounded(args.paginationOpts));
  // An agent scoped to projects gets shorter pages, not other projects' sessions.
  return { ...result, page: result.page.filter((row) => sees(caller, row)).map(sessionSummary) };
}

export async function sessionView(
  ctx: QueryCtx,
  caller: Caller,
  args: { sessionId: string },
): Promise<SessionView> {
  const session = await requireOwned(ctx, caller, "sessions", args.sessionId, "SESSION_NOT_FOUND");
  return {
    ...sessionSummary(session),
    ...present({
      combinedVideoAsset: await pointedAsset(ctx, session.combinedVideoAssetId),
      combinedSubtitleAsset: await pointedAsset(ctx, session.combinedSubtitleAssetId),
      manifestAsset: await pointedAsset(ctx, session.manifestAssetId),
      errorMessage: session.errorMessage,
    }),
  };
}

async function pointedAsset(
  ctx: QueryCtx,
  assetId: Id<"assets"> | undefined,
): Promise<AssetView | undefined> {
  const row = assetId === undefined ? null : await ctx.db.get("assets", assetId);
  return row === null ? undefined : assetView(row);
}

function sessionSummary(row: Doc<"sessions">): SessionSummary {
  return present({
    sessionId: row._id,
    title: row.title,
    project: row.project,
    status: row.status,
    sceneCount: row.sceneCount,
    readyCount: row.readyCount,
    failedCount: row.failedCount,
    plannedSceneCount: row.plannedSceneCount,
    totalAssetSize: row.totalAssetSize,
    assetCount: row.assetCount,
    createdAt: row._creationTime,
    updatedAt: row.updatedAt,
    thumbnailAssetId: row.thumbnailAssetId,
  });
}
