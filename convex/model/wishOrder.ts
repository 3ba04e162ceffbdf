/**
 * Which of two versions of a slot its agent wanted later. The moment that counts is the one a call was made at, not the one its `begin`
 * arrived: a call that waited on an agent's disk through an outage is older than what was rendered after it.
 *
 * Calls of one machine are ordered exactly, by that machine's own running clock. Calls of different machines are ordered by this
 * deployment's clock and how long ago each was made, a duration of the agent's measuring; nobody's time of day matters. Whatever a
 * message loses on its way makes its call look later than it was, never earlier: of several tellings the earliest holds.
 */
import type { CallMade, UnhashedIntent } from "../../contract/asset.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { newestInSlot } from "./assetRows.ts";
import type { Slot } from "./assetRows.ts";
import { isStored } from "./comparison.ts";
import { present } from "./present.ts";
import { callsOf, hasLettersLeft, letterOf } from "./uploadCalls.ts";
import type { LettersLeft } from "./uploadCalls.ts";

/** When a call was made: on this deployment's clock, and on its machine's own. */
export type Wish = NonNullable<Doc<"uploadCalls">["wish"]>;

export function wishOf(made: CallMade | undefined, ...before: (Wish | undefined)[]): Wish {
  const told: Wish[] = before.filter((one) => one !== undefined);
  const own = told.find(({ clock }) => clock !== undefined) ?? made;
  return {
    at: Math.min(Date.now() - (made?.ageMs ?? 0), ...told.map(({ at }) => at)),
    ...present({ clock: own?.clock, tick: own?.tick }),
  };
}

/** Of a call that begins now, by all that was ever told of it. */
export async function wishOfCall(
  ctx: QueryCtx,
  tenantId: Id<"tenants">,
  { uploadId, made }: { uploadId: string; made?: CallMade | undefined },
  call: Doc<"uploadCalls"> | null,
  letters: LettersLeft,
): Promise<Wish> {
  // A resolved letter says nothing more: the call that resolved it had heard of it.
  const letter = (await hasLettersLeft(ctx, tenantId, letters))
    ? await letterOf(ctx, tenantId, uploadId)
    : null;
  return wishOf(made, call === null ? undefined : known(call), letter === null ? undefined : known(letter));
}

/** Rows older than the field were asked for when they were written, as far as anybody knows. */
function known({ wish, _creationTime }: { wish?: Wish; _creationTime: number }): Wish {
  return wish ?? { at: _creationTime };
}

type Version = Pick<Doc<"assets">, "wish" | "_creationTime" | "version">;

export function isNewer(version: Version, than: Version): boolean {
  return (
    laterBy(known(version), known(than)) ||
    (!laterBy(known(than), known(version)) && version.version > than.version)
  );
}

/** Calls of different machines closer together than this were made at once; then the one that began last is the newer one. */
const AT_ONCE_MS = 10;

function laterBy(wish: Wish, than: Wish): boolean {
  const sameClock = wish.clock !== undefined && wish.clock === than.clock;
  return sameClock ? (wish.tick ?? 0) > (than.tick ?? 0) : wish.at - than.at > AT_ONCE_MS;
}

/** Another call asks for what this version is. */
export async function wishAgain(ctx: MutationCtx, row: Doc<"assets">, wish: Wish): Promise<void> {
  if (laterBy(wish, known(row))) await ctx.db.patch("assets", row._id, { wish });
}

/** The same call tells its age once more. A version is as new as the newest of the calls that asked for it. */
export async function correctWish(
  ctx: MutationCtx,
  row: Doc<"assets">,
  call: Doc<"uploadCalls">,
  wish: Wish,
): Promise<void> {
  if (wish.at >= known(call).at) return;
  await ctx.db.patch("uploadCalls", call._id, { wish });
  const wishes = (await callsOf(ctx, row)).map(known);
  const newest = wishes.reduce((latest, one) => (laterBy(one, latest) ? one : latest));
  await ctx.db.patch("assets", row._id, { wish: newest });
}

/** The row that already is, or is about to be, what this call asks for; of content not hashed yet there is none to tell. */
export async function satisfying(
  ctx: QueryCtx,
  intent: UnhashedIntent,
  newest: Doc<"assets">,
): Promise<Doc<"assets"> | null> {
  const latest = await comparable(ctx, intent, newest);
  // A row whose bytes are still being hashed has no checksum, which equals no other.
  if (latest?.checksum !== intent.sha256 || latest?.size !== intent.size) return null;
  // Bytes that are stored are stored, wherever; joining an upload in flight to another place would leave nothing here.
  return isStored(latest) || latest.storageBackend === (intent.storageBackend ?? "s3") ? latest : null;
}

/** Whether content that is not hashed yet may turn out to be what the slot holds, or is about to. */
export async function mayBeSatisfied(
  ctx: QueryCtx,
  intent: UnhashedIntent,
  newest: Doc<"assets">,
): Promise<boolean> {
  return (await comparable(ctx, intent, newest))?.size === intent.size;
}

/** For history it is enough to be recorded; joining an upload in flight would make this call show it. */
async function comparable(
  ctx: QueryCtx,
  intent: UnhashedIntent,
  newest: Doc<"assets">,
): Promise<Doc<"assets"> | null> {
  if (intent.historyOnly === true) return isStored(newest) ? newest : null;
  return latestWish(ctx, intent);
}

/**
 * What the slot will hold when everything announced has arrived: the newest upload in flight, or the current version. Only content equal to
 * this needs no new version; equal content further back was overtaken, and asking for it again makes it the newest.
 */
async function latestWish(ctx: QueryCtx, slot: Slot): Promise<Doc<"assets"> | null> {
  const candidates = [
    await newestInSlot(ctx, slot, "ready"),
    await newestInSlot(ctx, slot, "pending"),
    await newestInSlot(ctx, slot, "uploading"),
  ];
  return candidates.reduce((latest, row) =>
    row === null || (latest !== null && isNewer(latest, row)) ? latest : row,
  );
}
