/** How far uploads are rolled out: short of on-write they answer `queued` or `skipped`, and nothing else would say why. */
import { DEFAULT_STAGE } from "../../../../contract/rollout.ts";
import { codedError } from "../../errors.ts";
import { SETTINGS } from "../../settings.ts";
import { plain } from "../columns.ts";
import type { Connection } from "../connection.ts";
import type { Context } from "../context.ts";
import { describe } from "../output.ts";
import { decidedBy, STAGE_MEANS, stagesOf, type Flag } from "../rollout-flag.ts";
import { ok, warn, type Check } from "./check.ts";

export async function checkRollout(connection: Connection, { env }: Context): Promise<Check[]> {
  const here = SETTINGS.rollout.schema.safeParse(env["REELSYNC_ROLLOUT"]?.trim() || undefined).data;
  if (here !== undefined) {
    const found = `${here}, by REELSYNC_ROLLOUT`;
    if (here === DEFAULT_STAGE) return [ok("rollout", found)];
    return [
      warn("rollout", found, `${STAGE_MEANS[here]}, whatever the deployment says`, "unset REELSYNC_ROLLOUT"),
    ];
  }
  try {
    return (await stagesOf(connection, undefined)).map(checkStage);
  } catch (error) {
    const { message } = describe(codedError(error));
    return [warn("rollout", "not seen", message, "npx convex deploy")];
  }
}

function checkStage(flag: Flag): Check {
  const { stage, project } = flag;
  const found = `${stage}, ${project === undefined ? "of the tenant" : `of project ${plain(project)}`}`;
  if (stage === DEFAULT_STAGE) return ok("rollout", found);
  const where = project === undefined ? "" : ` --project ${plain(project)}`;
  const fix = `reelsync rollout set ${DEFAULT_STAGE}${where} --reason "…" --yes  # as an admin`;
  return warn("rollout", found, `${STAGE_MEANS[stage]}; ${decidedBy(flag)}`, fix);
}
