/** Rollout stages of tenants and projects. Without a row the default holds; every change leaves a row of its own. */
import type { PaginationResult } from "convex/server";
import type { EntityType } from "../../contract/asset.ts";
import { DEFAULT_STAGE, MAX_PROJECT_STAGES } from "../../contract/rollout.ts";
import type { RolloutStage, Stages } from "../../contract/rollout.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { requireOwned, sees, tenantOf } from "./access.ts";
import type { Caller } from "./access.ts";
import { audit } from "./audit.ts";
import { bounded, mapPage } from "./page.ts";
import type { PaginationOpts } from "./page.ts";
import { present } from "./present.ts";
import { refuse } from "./refusal.ts";

type Flag = Doc<"flags">;
export type Change = Pick<Flag, "by" | "automatic" | "reason" | "figures">;

export interface StageView extends Partial<Change> {
  /** Absent: the tenant's, which holds for every project without one. */
  project?: string;
  stage: RolloutStage;
  pinned: boolean;
  /** Absent while nobody has decided anything. */
  from?: RolloutStage;
  changedAt?: number;
}

export interface ChangeView extends Change {
  changeId: Id<"flagChanges">;
  project?: string;
  from: RolloutStage;
  to: RolloutStage;
  pinned: boolean;
  at: number;
}

/** The tenant's own flag, if there is one, and those of its projects. */
export async function flagsOf(ctx: QueryCtx, tenantId: Id<"tenants">): Promise<Flag[]> {
  return ctx.db
    .query("flags")
    .withIndex("by_tenantId_and_projectId", (q) => q.eq("tenantId", tenantId))
    .take(MAX_PROJECT_STAGES + 1);
}

/** What an agent needs to know, handed out with its token. */
export async function stagesOf(
  ctx: QueryCtx,
  tenantId: Id<"tenants">,
  projectIds: readonly Id<"projects">[] | undefined,
): Promise<Stages> {
  const flags = await flagsOf(ctx, tenantId);
  return {
    stage: flags.find(({ project }) => project === undefined)?.stage ?? DEFAULT_STAGE,
    projects: flags.flatMap(({ project, projectId, stage }) =>
      project === undefined || projectId === undefined || projectIds?.includes(projectId) === false
        ? []
        : [{ project, stage }],
    ),
  };
}

export async function stagesView(
  ctx: QueryCtx,
  caller: Caller,
  args: { tenantId?: string | undefined },
): Promise<StageView[]> {
  const flags = await flagsOf(ctx, tenantOf(caller, args.tenantId));
  const views = flags.filter((flag) => sees(caller, flag)).map(stageView);
  const isDecided = views[0] !== undefined && views[0].project === undefined;
  return isDecided ? views : [{ stage: DEFAULT_STAGE, pinned: false }, ...views];
}

function stageView(flag: Flag): StageView {
  const { project, stage, pinned, from, changedAt, by, automatic, reason, figures } = flag;
  return present({ project, stage, pinned, from, changedAt, by, automatic, reason, figures });
}

export async function setStage(
  ctx: MutationCtx,
  caller: Caller,
  args: {
    stage: RolloutStage | null;
    project?: string | undefined;
    pinned?: boolean | undefined;
    reason?: string | undefined;
    tenantId?: string | undefined;
  },
): Promise<{ changed: boolean }> {
  const { stage, pinned = false, reason } = args;
  const tenantId = tenantOf(caller, args.tenantId);
  const project = args.project === undefined ? null : await requireProject(ctx, tenantId, args.project);
  if (stage === null && project === null) {
    return refuse("INVALID_ARGUMENT", "stage: only a project can do without a stage of its own.");
  }
  const flags = await flagsOf(ctx, tenantId);
  const tenants = flags.find(({ projectId }) => projectId === undefined)?.stage ?? DEFAULT_STAGE;
  const flag = flags.find(({ projectId }) => projectId === project?._id);
  if (stage === null && flag === undefined) return { changed: false };
  const isSame = flag === undefined ? project === null && stage === tenants && !pinned : isAsSaid(flag);
  if (isSame) return { changed: false };
  if (flag === undefined && project !== null && flags.length >= MAX_PROJECT_STAGES) {
    refuse("INVALID_ARGUMENT", `At most ${MAX_PROJECT_STAGES} projects may have a stage of their own.`);
  }
  const change: Change = { by: caller.name, automatic: false, ...present({ reason }) };
  await changeStage(ctx, { tenantId, project, flag, to: stage, tenants, pinned, change });
  await audit(ctx, caller, {
    tenantId,
    action: "rollout.set",
    target: project?.slug ?? "tenant",
    detail: `${flag?.stage ?? tenants} → ${stage ?? `${tenants} (the tenant's)`}${pinned ? ", pinned" : ""}`,
  });
  return { changed: true };

  /** An admin who confirms what a rollback has decided takes it over, and so does one who changes the pin. */
  function isAsSaid(known: Flag): boolean {
    return known.stage === stage && known.pinned === pinned && !known.automatic;
  }
}

export async function changeStage(
  ctx: MutationCtx,
  step: {
    tenantId: Id<"tenants">;
    project: { _id: Id<"projects">; slug: string } | null;
    flag: Flag | undefined;
    to: RolloutStage | null;
    /** The tenant's stage, which holds where there is no other. */
    tenants: RolloutStage;
    pinned: boolean;
    change: Change;
  },
): Promise<void> {
  const { tenantId, project, flag, to, tenants, pinned, change } = step;
  const from = flag?.stage ?? tenants;
  const named = present({ project: project?.slug });
  const row = {
    tenantId,
    ...present({ projectId: project?._id }),
    ...named,
    stage: to ?? tenants,
    pinned,
    from,
    changedAt: Date.now(),
    ...change,
  };
  if (to === null && flag !== undefined) await ctx.db.delete("flags", flag._id);
  else if (flag === undefined) await ctx.db.insert("flags", row);
  else await ctx.db.replace("flags", flag._id, row);
  await ctx.db.insert("flagChanges", { tenantId, ...named, from, to: row.stage, pinned, ...change });
}

async function requireProject(ctx: QueryCtx, tenantId: Id<"tenants">, slug: string) {
  const project = await ctx.db
    .query("projects")
    .withIndex("by_tenantId_and_slug", (q) => q.eq("tenantId", tenantId).eq("slug", slug))
    .unique();
  return project ?? refuse("NOT_FOUND", `No project "${slug}" exists; its first session creates it.`);
}

export async function projectOfEntity(
  ctx: QueryCtx,
  caller: Caller,
  { entityType, entityId }: { entityType: EntityType; entityId: string },
): Promise<{ project: string }> {
  const sessionId =
    entityType === "scene"
      ? (await requireOwned(ctx, caller, "scenes", entityId, "SCENE_NOT_FOUND")).sessionId
      : entityId;
  const { project } = await requireOwned(ctx, caller, "sessions", sessionId, "SESSION_NOT_FOUND");
  return { project };
}

export async function listChanges(
  ctx: QueryCtx,
  caller: Caller,
  args: { paginationOpts: PaginationOpts; tenantId?: string | undefined },
): Promise<PaginationResult<ChangeView>> {
  const tenantId = tenantOf(caller, args.tenantId);
  const page = await ctx.db
    .query("flagChanges")
    .withIndex("by_tenantId", (q) => q.eq("tenantId", tenantId))
    .order("desc")
    .paginate(bounded(args.paginationOpts));
  return mapPage(page, ({ _id, _creationTime, tenantId: _tenant, ...change }) => ({
    changeId: _id,
    at: _creationTime,
    ...change,
  }));
}
