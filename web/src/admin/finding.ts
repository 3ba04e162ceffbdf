import type { FunctionReturnType } from "convex/server";
import type { api } from "../../../convex/_generated/api";

export type Finding = FunctionReturnType<typeof api.reconcile.findings>["page"][number];

/** Nothing was decided about it, or what was decided did not work out. */
export function isOpen({ state }: Finding): boolean {
  return state === "open" || state === "failed";
}

export function findingBytes({ objectSize, recordSize }: Finding): number {
  return objectSize ?? recordSize ?? 0;
}
