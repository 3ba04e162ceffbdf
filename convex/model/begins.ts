/** What the begins of one transaction share, read once and written once: whom they are for, and what they announce. */
import type { EntityType } from "../../contract/asset.ts";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { requireOwned } from "./access.ts";
import type { Caller } from "./access.ts";
import { settleEffects } from "./assetEffects.ts";
import type { AssetEffect } from "./assetEffects.ts";
import { refuse } from "./refusal.ts";
import type { LettersLeft } from "./uploadCalls.ts";
import { settleUsage } from "./usage.ts";
import type { Announced } from "./usage.ts";

export interface Entity {
  session: Doc<"sessions">;
  scene: Doc<"scenes"> | null;
  tenant: Doc<"tenants">;
}

export interface Begins {
  /** Whom the caller may write to, by type and id; nothing of it changes before `settleBegins`. */
  entities: Map<string, Entity>;
  announced: Announced;
  letters: LettersLeft;
  effects: AssetEffect[];
}

export function openBegins(): Begins {
  return { entities: new Map(), announced: new Map(), letters: new Map(), effects: [] };
}

export async function settleBegins(ctx: MutationCtx, { announced, effects }: Begins): Promise<void> {
  await settleUsage(ctx, announced);
  await settleEffects(ctx, effects);
}

/** The entity if the caller may write to it. */
export async function entityOf(
  ctx: QueryCtx,
  caller: Caller,
  intent: { entityType: EntityType; entityId: string },
  { entities }: Begins,
): Promise<Entity> {
  const name = `${intent.entityType} ${intent.entityId}`;
  const known = entities.get(name);
  if (known !== undefined) return known;
  const found = await requireEntity(ctx, caller, intent);
  const tenant = await ctx.db.get("tenants", found.session.tenantId);
  if (tenant === null) return refuse("NOT_FOUND", "The tenant of this session is gone.");
  const entity = { ...found, tenant };
  entities.set(name, entity);
  return entity;
}

async function requireEntity(
  ctx: QueryCtx,
  caller: Caller,
  intent: { entityType: EntityType; entityId: string },
): Promise<Omit<Entity, "tenant">> {
  switch (intent.entityType) {
    case "session": {
      const session = await requireOwned(ctx, caller, "sessions", intent.entityId, "SESSION_NOT_FOUND");
      return { session, scene: null };
    }
    case "scene": {
      const scene = await requireOwned(ctx, caller, "scenes", intent.entityId, "SCENE_NOT_FOUND");
      const session = await requireOwned(ctx, caller, "sessions", scene.sessionId, "SESSION_NOT_FOUND");
      return { session, scene };
    }
    case "upload":
      return refuse("INVALID_ARGUMENT", 'entityType: "upload" is not open here, pass "scene" or "session".');
  }
}
