/**
 * Many begins or commits in one transaction, each judged by the rules of the single call. A refused item is answered as refused and
 * leaves the others alone: the rules refuse before they write. Any other fault is one of ours and takes the transaction back whole.
 */
import { ConvexError } from "convex/values";
import * as z from "zod";
import { sha256Schema, storedObjectSchema } from "../../contract/asset.ts";
import type { ItemOutcome } from "../../contract/batch.ts";
import { isErrorCode } from "../../contract/error-code.ts";
import type { Refusal } from "../../contract/error-code.ts";
import type { MutationCtx } from "../_generated/server";
import type { Caller } from "./access.ts";
import { noteCommit, openCommits } from "./assetCommit.ts";
import type { CommitArgs, Committed } from "./assetCommit.ts";
import { settleEffects } from "./assetEffects.ts";
import { noteBegin, uncheckedIntentSchema } from "./assetIntent.ts";
import type { HashFirst, UncheckedIntent } from "./assetIntent.ts";
import { openBegins, settleBegins } from "./begins.ts";
import { argumentRefusal } from "./refusal.ts";
import type { Opened } from "./repeatedBegin.ts";

export const commitArgsSchema = z.object({
  assetId: z.string(),
  object: storedObjectSchema,
  sha256: sha256Schema.optional(),
});

export async function beginAssets(
  ctx: MutationCtx,
  caller: Caller,
  items: readonly unknown[],
): Promise<ItemOutcome<Opened | HashFirst>[]> {
  const begins = openBegins();
  const note = async (intent: UncheckedIntent) =>
    ({ ok: true, ...(await noteBegin(ctx, caller, intent, begins)) }) as const;
  const outcomes = await eachItem<UncheckedIntent, Opened | HashFirst>(uncheckedIntentSchema, items, note);
  await settleBegins(ctx, begins);
  return outcomes;
}

export async function commitAssets(
  ctx: MutationCtx,
  caller: Caller,
  items: readonly unknown[],
): Promise<ItemOutcome<Committed>[]> {
  const commits = openCommits();
  const outcomes = await eachItem<CommitArgs, Committed>(commitArgsSchema, items, async (args) => {
    const answer = await noteCommit(ctx, caller, args, commits);
    return answer.status === "refused"
      ? { ok: false, code: answer.code, message: answer.message }
      : { ok: true, assetId: answer.assetId, status: answer.status, version: answer.version };
  });
  await settleEffects(ctx, commits.effects);
  return outcomes;
}

/** In order: of two items for one place, the later one is the newer one. */
async function eachItem<Item, Answer>(
  schema: z.ZodType<Item>,
  items: readonly unknown[],
  note: (item: Item) => Promise<ItemOutcome<Answer>>,
): Promise<ItemOutcome<Answer>[]> {
  const outcomes: ItemOutcome<Answer>[] = [];
  for (const item of items) {
    // Parsed one by one: a malformed item is its own fault, not the batch's.
    const parsed = schema.safeParse(item);
    outcomes.push(
      parsed.success
        ? await note(parsed.data).catch(asRefused)
        : refused(argumentRefusal(parsed.error.issues)),
    );
  }
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
