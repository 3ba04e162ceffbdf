/** The share a run may find and still be applied without a second word [G5]. Why, and how much: `contract/reconcile.ts`. */
import { FEW_FINDINGS, findingKindSchema, MAX_FINDING_SHARE } from "../../contract/reconcile.ts";
import type { OverLimit } from "../../contract/reconcile.ts";
import type { Doc } from "../_generated/dataModel";

type Compared = Pick<Doc<"reconcileRuns">, "objectsSeen" | "youngObjects" | "recordsSeen" | "findingCounts">;

export function overLimit(run: Compared): OverLimit[] {
  // Young objects were seen, but not compared: counted, another deployment's fresh uploads would hide its older ones.
  const objects = run.objectsSeen - (run.youngObjects ?? 0);
  return findingKindSchema.options
    .map((kind) => ({
      kind,
      found: run.findingCounts[kind],
      compared: kind === "object_without_record" ? objects : run.recordsSeen,
    }))
    .filter(({ found, compared }) => found > FEW_FINDINGS && found / compared > MAX_FINDING_SHARE);
}
