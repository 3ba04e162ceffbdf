/**
 * The last step of "intent → bytes → commit": S3 has answered, the record follows in one transaction. A version older than a committed one goes to
 * history and never over it [G4]; what S3 stored must be what was announced [G2].
 */
import type { AssetStatus, StoredObject } from "../../contract/asset.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { requireOwned } from "./access.ts";
import type { Caller } from "./access.ts";
import { settleEffects } from "./assetEffects.ts";
import type { AssetEffect } from "./assetEffects.ts";
import { noteGivenUp } from "./assetFailure.ts";
import { currentOf, newestInSlot, versionsOf } from "./assetRows.ts";
import { resolveDeadLettersOf } from "./uploadCalls.ts";
import type { LettersLeft } from "./uploadCalls.ts";
import { enqueueDelete } from "./deleteQueue.ts";
import { present } from "./present.ts";
import { refusal, refuse } from "./refusal.ts";
import { isNewer } from "./wishOrder.ts";

export interface Committed {
  assetId: Id<"assets">;
  status: "ready" | "superseded";
  version: number;
}

/** Answered, not thrown: a throw would roll back the very record of the refusal. */
export interface CommitRefused {
  assetId: Id<"assets">;
  status: "refused";
  version: number;
  code: "COMMIT_REFUSED";
  message: string;
}

export interface CommitArgs {
  assetId: string;
  object: StoredObject;
  /** Of what was sent; needed where `begin` did not know it. */
  sha256?: string | undefined;
}

/** What the commits of one transaction share. */
export interface Commits {
  letters: LettersLeft;
  effects: AssetEffect[];
}

export function openCommits(): Commits {
  return { letters: new Map(), effects: [] };
}

export async function commitAsset(
  ctx: MutationCtx,
  caller: Caller,
  args: CommitArgs,
): Promise<Committed | CommitRefused> {
  const commits = openCommits();
  const answer = await noteCommit(ctx, caller, args, commits);
  await settleEffects(ctx, commits.effects);
  return answer;
}

/** Changes the asset's own rows and notes what follows. Refuses before it writes anything. */
export async function noteCommit(
  ctx: MutationCtx,
  caller: Caller,
  args: CommitArgs,
  commits: Commits,
): Promise<Committed | CommitRefused> {
  const row = await requireOwned(ctx, caller, "assets", args.assetId, "ASSET_NOT_FOUND");
  switch (row.status) {
    case "ready":
    case "superseded":
      return { assetId: row._id, status: row.status, version: row.version };
    case "pending":
    case "uploading": {
      const checksum = row.checksum === "" ? args.sha256 : row.checksum;
      if (checksum === undefined) {
        return refuse("INVALID_ARGUMENT", "sha256: the upload was begun without it, so its commit names it.");
      }
      const fault = faultOf(row, args);
      return fault === null
        ? record(ctx, { ...row, checksum }, args.object, commits)
        : refuseCommit(ctx, row, args.object, fault, commits.effects);
    }
    case "error":
      if (row.errorCode === "COMMIT_REFUSED") return refused(row, row.errorMessage ?? "");
      return refuse(
        "CONFLICT",
        `This upload was given up (${row.errorMessage ?? "no reason"}): begin it again.`,
      );
    case "missing":
    case "deleted":
      return refuse("CONFLICT", `This version is ${row.status}: begin the upload again.`);
  }
}

function faultOf(row: Doc<"assets">, { object, sha256 }: CommitArgs): string | null {
  if (object.bucket !== row.bucket) {
    return `The object is in "${object.bucket}", its record says "${row.bucket}".`;
  }
  if (object.size !== row.size) {
    return `S3 stored ${object.size} bytes, ${row.size} were announced.`;
  }
  if (sha256 !== undefined && row.checksum !== "" && sha256 !== row.checksum) {
    return `What was sent has the SHA-256 ${sha256}, ${row.checksum} was announced.`;
  }
  return null;
}

async function refuseCommit(
  ctx: MutationCtx,
  row: Doc<"assets">,
  object: StoredObject,
  fault: string,
  effects: AssetEffect[],
): Promise<CommitRefused> {
  const { message } = refusal("COMMIT_REFUSED", fault);
  await noteGivenUp(ctx, row, "COMMIT_REFUSED", message, effects);
  // An object in another bucket is not ours to remove, and a file in an agent's folder is out of reach.
  if (object.bucket === row.bucket && row.storageBackend === "s3") await enqueueDelete(ctx, row, message);
  return refused(row, message);
}

function refused(row: Doc<"assets">, message: string): CommitRefused {
  return { assetId: row._id, status: "refused", version: row.version, code: "COMMIT_REFUSED", message };
}

async function record(
  ctx: MutationCtx,
  row: Doc<"assets">,
  object: StoredObject,
  { letters, effects }: Commits,
): Promise<Committed> {
  const stored = {
    checksum: row.checksum,
    etag: object.etag,
    ...present({ versionId: object.versionId }),
    uploadedAt: Date.now(),
  };
  const latest = await versionsOf(ctx, row).first();
  const isAlone = row.version === 1 && latest?._id === row._id;
  const current = isAlone ? null : await currentOf(ctx, row);
  const fenced = !isAlone && (await isFenced(ctx, row, current));
  const status = fenced || row.historyOnly === true ? "superseded" : "ready";
  const replaced = status === "ready" ? current : null;
  // A newer wish whose upload took longer to begin: numbers go up whenever what is shown changes.
  const overtaken = replaced !== null && replaced.version > row.version;
  const version = overtaken ? (latest?.version ?? 0) + 1 : row.version;
  await ctx.db.patch("assets", row._id, { ...stored, status, version });
  if (replaced !== null) await ctx.db.patch("assets", replaced._id, { status: "superseded" });

  const event = { kind: "settled", ready: status === "ready" } as const;
  effects.push({ row: { ...row, version }, event, replaced });
  await resolveDeadLettersOf(ctx, row, letters);
  return { assetId: row._id, status, version };
}

/** Whether something newer was ever current in the slot, even if its object is lost by now. */
async function isFenced(ctx: QueryCtx, row: Doc<"assets">, current: Doc<"assets"> | null): Promise<boolean> {
  if (current !== null && isNewer(current, row)) return true;
  for (const status of ["missing", "deleted"] satisfies AssetStatus[]) {
    const newest = await newestInSlot(ctx, row, status);
    if (newest !== null && isNewer(newest, row)) return true;
  }
  return false;
}
