/** Agent keys as the token endpoint uses them. */
import { HOUR } from "../../contract/limits.ts";
import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { Stages } from "../../contract/rollout.ts";
import { stagesOf } from "./flags.ts";

export interface KnownKey {
  keyId: Id<"agentKeys">;
  tenantId: Id<"tenants">;
  agentName: string;
  projectIds?: Id<"projects">[];
  rollout: Stages;
}

/** How exact `lastUsedAt` is: every write of the key's row re-runs what its agent subscribes to. */
const LAST_USE_RESOLUTION_MS = HOUR;

export async function useAgentKey(ctx: MutationCtx, hash: string): Promise<KnownKey | null> {
  const key = await ctx.db
    .query("agentKeys")
    .withIndex("by_hash", (q) => q.eq("hash", hash))
    .unique();
  if (key === null || key.revokedAt !== undefined) return null;
  const now = Date.now();
  if ((key.lastUsedAt ?? 0) < now - LAST_USE_RESOLUTION_MS) {
    await ctx.db.patch("agentKeys", key._id, { lastUsedAt: now });
  }
  return {
    keyId: key._id,
    tenantId: key.tenantId,
    agentName: key.name,
    ...(key.projectIds === undefined ? {} : { projectIds: key.projectIds }),
    rollout: await stagesOf(ctx, key.tenantId, key.projectIds),
  };
}
