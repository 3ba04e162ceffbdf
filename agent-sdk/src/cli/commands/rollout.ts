/** `reelsync rollout`: how far uploads are rolled out, and changing it as an admin. */
import { ROLLOUT_STAGES } from "../../../../contract/rollout.ts";
import { api } from "../../../../convex/_generated/api.js";
import { columns, plain } from "../columns.ts";
import { connect, connectAsPerson } from "../connection.ts";
import { defineCommand } from "../command.ts";
import { EXIT, UsageError } from "../exit-code.ts";
import type { Output } from "../output.ts";
import { decidedBy, stagesOf, type Flag } from "../rollout-flag.ts";
import { tenantOption } from "./dead-letters.ts";

/** Of a project: to have no stage of its own any more. */
const INHERIT = "inherit";

export const rollout = defineCommand({
  path: ["rollout"],
  summary: "Show how far uploads are rolled out, of the tenant and of projects with a stage of their own",
  details:
    "Says of each stage who set it, when and why; of an automatic rollback how many uploads had failed. With --json one document a stage. " +
    "REELSYNC_ROLLOUT on a machine wins over all of it and is not shown here.",
  args: {},
  options: { ...tenantOption },
  examples: [{ does: "as the agent, or as an admin", line: "reelsync rollout" }],
  async run({ options: { tenant } }, context) {
    const connection = connect(context);
    try {
      give(await stagesOf(connection, tenant), context.output);
      return EXIT.ok;
    } finally {
      connection.close();
    }
  },
});

export const rolloutSet = defineCommand({
  path: ["rollout", "set"],
  summary: "Set the stage, as an admin",
  details:
    "Needs REELSYNC_TOKEN. `off`: uploads answer `skipped`. `shadow`: they go the whole way, and viewers see nothing of it. `end-of-run`: they are kept on the agent's " +
    "disk and sent at the end of its run. `on-write`: they are sent at once. `inherit` takes a project's own stage away. Running agents follow within seconds.",
  args: { stage: { choices: [...ROLLOUT_STAGES, INHERIT], summary: "The stage from now on" } },
  options: {
    project: { kind: "text", summary: "Of this project instead of the tenant" },
    pin: { kind: "flag", summary: "Never to be taken back by itself" },
    reason: { kind: "text", summary: "Why, for those who look later" },
    yes: { kind: "flag", summary: "Do not ask" },
    ...tenantOption,
  },
  examples: [
    { does: "try a new project out, unseen", line: "reelsync rollout set shadow --project demo --yes" },
    {
      does: "raise it again after a rollback",
      line: 'reelsync rollout set on-write --reason "the bucket policy is mended" --yes',
    },
  ],
  async run({ args: { stage }, options }, context) {
    const { project, pin, reason, yes, tenant } = options;
    if (stage === INHERIT && project === undefined) {
      throw new UsageError(
        "Only a project can inherit its stage, and no --project is given",
        "Name the project, or set the tenant to one of " + ROLLOUT_STAGES.join(", ") + ".",
      );
    }
    const connection = connectAsPerson(context);
    try {
      const stages = await stagesOf(connection, tenant);
      const before = stages.find((flag) => flag.project === project) ?? stages[0];
      const whose = project === undefined ? "the tenant" : `project ${plain(project)}`;
      const question = `Set ${whose} from ${before?.stage ?? "on-write"} to ${stage}${pin ? ", pinned" : ""}?`;
      if (!(await context.confirm(question, yes))) return EXIT.declined;
      const { changed } = await connection.run("mutation", api.flags.set, {
        stage: stage === INHERIT ? null : stage,
        pinned: pin,
        ...(project !== undefined && { project }),
        ...(reason !== undefined && { reason }),
        ...(tenant !== undefined && { tenantId: tenant }),
      });
      if (!changed) context.output.say("nothing was changed: that is what holds already");
      give(await stagesOf(connection, tenant), context.output);
      return EXIT.ok;
    } finally {
      connection.close();
    }
  },
});

function give(stages: readonly Flag[], output: Output): void {
  const lines = columns(stages.map((flag) => rowOf(flag, output)));
  for (const [index, flag] of stages.entries()) output.give(flag, lines[index] ?? "");
}

function rowOf(flag: Flag, { paint }: Output): string[] {
  const { project, stage, pinned, automatic } = flag;
  return [
    project === undefined ? "tenant" : plain(project),
    paint(automatic === true ? "red" : "bold", stage),
    pinned ? "pinned" : "",
    decidedBy(flag),
  ];
}
