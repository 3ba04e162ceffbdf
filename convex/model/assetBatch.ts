/**
 * Many begins or commits in one transaction, each judged by the rules of the single call. A refused item is answered as refused and
 * leaves the others alone: the rules refuse before they write. Any other fault is one of ours and takes the transaction back whole.
 */
import { ConvexError } from "convex/values";
import * as z from "zod";
import { storedObjectSchema } from "../../contract/asset.ts";
import type { ItemOutcome } from "../../contract/batch.ts";
import { isErrorCode } from "../../contract/error-code.ts";
import type { Refusal } from "../../contract/error-code.ts";
import type { MutationCtx } from "../_generated/server";
import type { Caller } from "./access.ts";
import { noteCommit } from "./assetCommit.ts";
import type { CommitArgs, Committed } from "./assetCommit.ts";
import { settleEffects } from "./assetEffects.ts";
import type { AssetEffect } from "./assetEffects.ts";
import { noteBegin, uncheckedIntentSchema } from "./assetIntent.ts";
import type { Opened, UncheckedIntent } from "./assetIntent.ts";
import { argumentRefusal } from "./refusal.ts";

export const commitArgsSchema = z.object({ assetId: z.string(), object: storedObjectSchema });

export async function beginAssets(
  ctx: MutationCtx,
  caller: Caller,
  items: readonly unknown[],
): Promise<ItemOutcome<Opened>[]> {
  return eachItem<UncheckedIntent, Opened>(ctx, uncheckedIntentSchema, items, async (intent, effects) => ({
    ok: true,
    ...(await noteBegin(ctx, caller, intent, effects)),
  }));
}

export async function commitAssets(
  ctx: MutationCtx,
  caller: Caller,
  items: readonly unknown[],
): Promise<ItemOutcome<Committed>[]> {
  return eachItem<CommitArgs, Committed>(ctx, commitArgsSchema, items, async (args, effects) => {
    const answer = await noteCommit(ctx, caller, args, effects);
    return answer.status === "refused"
      ? { ok: false, code: answer.code, message: answer.message }
      : { ok: true, assetId: answer.assetId, status: answer.status, version: answer.version };
  });
}

/** In order: of two items for one place, the later one is the newer one. */
async function eachItem<Item, Answer>(
  ctx: MutationCtx,
  schema: z.ZodType<Item>,
  items: readonly unknown[],
  note: (item: Item, effects: AssetEffect[]) => Promise<ItemOutcome<Answer>>,
): Promise<ItemOutcome<Answer>[]> {
  const effects: AssetEffect[] = [];
  const outcomes: ItemOutcome<Answer>[] = [];
  for (const item of items) {
    // Parsed one by one: a malformed item is its own fault, not the batch's.
    const parsed = schema.safeParse(item);
    outcomes.push(
      parsed.success
        ? await note(parsed.data, effects).catch(asRefused)
        : refused(argumentRefusal(parsed.error.issues)),
    );
  }
  await settleEffects(ctx, effects);
  return outcomes;
}

function asRefused(fault: unknown): ItemOutcome<never> {
  if (fault instanceof ConvexError) {
    const refusal = fault.data as Refusal;
    if (isErrorCode(refusal.code)) return refused(refusal);
  }
  throw fault;
}

function refused({ code, message }: Refusal): ItemOutcome<never> {
  return { ok: false, code, message };
}
