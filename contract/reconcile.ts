/** Drift between bucket and records: what a reconcile run may find, and what may be done about it. */
import * as z from "zod";

export const findingKindSchema = z.enum([
  /** In the bucket under our prefix, without any record. */
  "object_without_record",
  /** A `ready` record whose object is not in the bucket. */
  "record_without_object",
  /** Both exist, sizes differ. */
  "size_mismatch",
]);
export type FindingKind = z.infer<typeof findingKindSchema>;

export const repairSchema = z.enum([
  /** Object without a record: into the delete queue (quarantine first), re-checked in the delete's own transaction. */
  "quarantine_object",
  /** Record without an object, or with another size: status `missing` or `error`, so that nobody is sent to it. */
  "mark_record",
]);
export type Repair = z.infer<typeof repairSchema>;

export const REPAIR_OF: Record<FindingKind, Repair> = {
  object_without_record: "quarantine_object",
  record_without_object: "mark_record",
  size_mismatch: "mark_record",
};

export const reconcileStatusSchema = z.enum(["running", "reported", "applying", "applied", "failed"]);
export type ReconcileStatus = z.infer<typeof reconcileStatusSchema>;

/**
 * Findings of one kind that are applied only when somebody says that so many are meant [G5]. Drift is rare: an upload that broke off, an
 * object that was lost. Where more than a fifth of what was compared disagrees, it is mostly the comparison that is wrong: another
 * bucket or prefix, or a second deployment on the same ones, whose live data all looks like objects without a record.
 */
export const MAX_FINDING_SHARE = 0.2;
/** Up to so many are looked through one by one, and in a tenant of few objects they are easily a fifth. */
export const FEW_FINDINGS = 20;

/** A kind of which a run found more than that. */
export interface OverLimit {
  kind: FindingKind;
  found: number;
  /** Objects for objects without a record, records for the rest; without objects too young to be judged. */
  compared: number;
}

const OVER_LIMIT_WORDS: Record<FindingKind, string> = {
  object_without_record: "objects have no record",
  record_without_object: "records have no object",
  size_mismatch: "records are of another size than their object",
};

export function overLimitFact(over: readonly OverLimit[]): string {
  const numbers = over.map(
    ({ kind, found, compared }) => `${found} of ${compared} ${OVER_LIMIT_WORDS[kind]}`,
  );
  return (
    `${numbers.join(", ")}: more than ${MAX_FINDING_SHARE * 100} % is seldom drift. Usually the deployment has the wrong S3_BUCKET or ` +
    "S3_BASE_PREFIX, or another deployment uses the same ones and the files are its live data. If all of that is right, " +
    "overLimit (--over-limit on the command line) applies them all the same."
  );
}

/** Deletes are frozen: until they are thawed, nothing of the tenant leaves the bucket [G5]. */
export interface DeleteFreeze {
  by: string;
  since: number;
  reason: string;
}

export function frozenFact({ by, since, reason }: DeleteFreeze): string {
  const sentence = /[.!?]$/.test(reason) ? reason : `${reason}.`;
  return `Deletes are frozen since ${new Date(since).toISOString().slice(0, 16)}Z by ${by}: ${sentence}`;
}
