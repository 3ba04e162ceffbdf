/** A rollout stage as commands tell of it: what it is of, what it means, and who decided it. */
import type { FunctionReturnType } from "convex/server";
import type { RolloutStage } from "../../../contract/rollout.ts";
import { api } from "../../../convex/_generated/api.js";
import { plain } from "./columns.ts";
import type { Connection } from "./connection.ts";
import { date } from "./quantities.ts";

export type Flag = FunctionReturnType<typeof api.flags.get>[number];

/** The tenant's first, then those of projects with one of their own. */
export function stagesOf(connection: Connection, tenant: string | undefined): Promise<Flag[]> {
  return connection.run("query", api.flags.get, tenant === undefined ? {} : { tenantId: tenant });
}

/** Who decided it, when and why. */
export function decidedBy({ automatic, from, by, changedAt, reason }: Flag): string {
  if (by === undefined || changedAt === undefined) return "nobody has decided anything";
  const how =
    automatic === true
      ? `rolled back from ${from} after a report of ${plain(by)}, ${date(changedAt)}`
      : `set by ${plain(by)}, ${date(changedAt)}`;
  return reason === undefined ? how : `${how}: ${plain(reason)}`;
}

export const STAGE_MEANS: Record<RolloutStage, string> = {
  off: "Uploads answer skipped, and nothing is stored",
  shadow: "Uploads go the whole way, and viewers see nothing of them",
  "end-of-run": "Uploads answer queued, and are sent at the end of their run",
  "on-write": "Uploads are sent at once",
};
