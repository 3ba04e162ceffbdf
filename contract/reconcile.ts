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
