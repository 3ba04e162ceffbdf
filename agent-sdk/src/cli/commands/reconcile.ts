/** `reelsync reconcile`: compares bucket and records, reports, and repairs only when told to. */
import type { FunctionReturnType } from "convex/server";
import { HOUR } from "../../../../contract/limits.ts";
import {
  type DeleteFreeze,
  findingKindSchema,
  type FindingKind,
  frozenFact,
  type OverLimit,
  overLimitFact,
} from "../../../../contract/reconcile.ts";
import { api } from "../../../../convex/_generated/api.js";
import { ReelsyncError } from "../../errors.ts";
import { columns, plain } from "../columns.ts";
import { connectAsPerson, pages, type Connection } from "../connection.ts";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { EXIT, UsageError, type ExitCode } from "../exit-code.ts";
import type { Output } from "../output.ts";
import { plural, size } from "../quantities.ts";
import { tenantOption } from "./dead-letters.ts";
import { frozenOf } from "./reconcile-freeze.ts";

type Run = FunctionReturnType<typeof api.reconcile.report>;
type Finding = FunctionReturnType<typeof api.reconcile.findings>["page"][number];

/** As many as one call of the deployment's takes. */
const FINDINGS_PER_APPLY = 100;

export const reconcile = defineCommand({
  path: ["reconcile"],
  summary: "Compare the bucket with the records, as an admin, and repair if told to",
  details:
    "Needs REELSYNC_TOKEN. Reports only, unless --apply is given: then objects without a record go to quarantine and records without their object are marked, each " +
    "checked again in the moment it is done. Nothing is deleted. Exits 0 also when something was found. Where more than 20 findings of a kind are more than a " +
    "fifth of what was compared, or an object would go while deletes are frozen, --apply changes nothing and exits 6. With --json one document a finding, then one with `run` and `frozen`.",
  args: {},
  options: {
    apply: { kind: "flag", summary: "Repair what was found" },
    kind: {
      kind: "text",
      placeholder: "KIND",
      choices: findingKindSchema.options,
      summary: "Only findings of this kind",
    },
    yes: { kind: "flag", summary: "Do not ask before repairing" },
    "over-limit": {
      kind: "flag",
      summary:
        "Repair also where more was found than drift explains, if bucket, prefix and deployment are right",
    },
    "grace-hours": {
      kind: "count",
      placeholder: "HOURS",
      summary: "Leave alone what is younger, 24 unless given; less risks judging uploads under way",
    },
    ...tenantOption,
  },
  examples: [
    { does: "what does not agree", line: "reelsync reconcile" },
    {
      does: "take stray objects out of the bucket's way",
      line: "reelsync reconcile --apply --kind object_without_record --yes",
    },
    {
      does: "although it is most of the bucket, once bucket and prefix are checked",
      line: "reelsync reconcile --apply --kind object_without_record --over-limit",
    },
  ],
  async run({ options }, context) {
    const { output } = context;
    if (options.apply && !options.yes && !context.canAsk) {
      throw new UsageError(
        "--apply changes things, and nobody can be asked here",
        "Say --yes to go on without asking.",
      );
    }
    const connection = connectAsPerson(context);
    try {
      const { runId } = await connection.run("mutation", api.reconcile.start, {
        ...(options.tenant !== undefined && { tenantId: options.tenant }),
        ...(options["grace-hours"] !== undefined && { graceMs: options["grace-hours"] * HOUR }),
      });
      const reported = await finished(connection, runId, output, "comparing");
      const found = await findingsOf(connection, runId, options.kind);
      const frozen = await frozenOf(connection, options.tenant);
      if (!options.apply) {
        give(found, reported, frozen, output);
        const over = overLimitOf(found, reported);
        if (over.length > 0) output.say(overLimitFact(over));
        return EXIT.ok;
      }
      return await repair(connection, found, { run: reported, frozen }, options, context);
    } finally {
      output.liveTalk.draw([]);
      connection.close();
    }
  },
});

async function repair(
  connection: Connection,
  found: readonly Finding[],
  { run: reported, frozen }: { run: Run; frozen: DeleteFreeze | null },
  options: { kind: FindingKind | undefined; yes: boolean; "over-limit": boolean },
  context: Context,
): Promise<ExitCode> {
  const { output } = context;
  const { runId } = reported;
  const overLimit = options["over-limit"];
  const obstacle = obstacleTo(found, reported, frozen, overLimit);
  if (found.length === 0 || !options.yes || obstacle !== undefined) give(found, reported, frozen, output);
  if (found.length === 0) return EXIT.nothingToDo;
  if (obstacle !== undefined) throw obstacle;
  if (!(await context.confirm(`Repair ${plural(found.length, "finding")}?`, options.yes))) {
    return EXIT.declined;
  }
  let run = reported;
  for (let at = 0; at < found.length; at += FINDINGS_PER_APPLY) {
    const findingIds = found.slice(at, at + FINDINGS_PER_APPLY).map(({ findingId }) => findingId as string);
    await connection.run("mutation", api.reconcile.apply, { runId, findingIds, overLimit });
    run = await finished(connection, runId, output, `repairing ${at + findingIds.length} of ${found.length}`);
  }
  const settled = await findingsOf(connection, runId, options.kind);
  give(settled, run, frozen, output);
  const count = (state: Finding["state"]) => settled.filter((finding) => finding.state === state).length;
  output.say(`${count("applied")} repaired, ${count("skipped")} skipped, ${count("failed")} failed`);
  return count("failed") > 0 ? EXIT.general : EXIT.ok;
}

/** What the deployment refuses to apply. Asked before the first batch, because it might only come to it in a later one. */
function obstacleTo(
  found: readonly Finding[],
  run: Run,
  frozen: DeleteFreeze | null,
  overLimit: boolean,
): ReelsyncError | undefined {
  if (frozen !== null && found.some(({ repair }) => repair === "quarantine_object")) {
    const fact = `${frozenFact(frozen)} Records can be marked meanwhile, with --kind.`;
    return new ReelsyncError("DELETES_FROZEN", fact);
  }
  const over = overLimitOf(found, run);
  return overLimit || over.length === 0
    ? undefined
    : new ReelsyncError("REPAIR_REFUSED", overLimitFact(over));
}

function overLimitOf(found: readonly Finding[], run: Run): OverLimit[] {
  return run.overLimit.filter((one) => found.some(({ kind }) => kind === one.kind));
}

/** Waits for the deployment's work, which goes on even if nobody waits any more. */
async function finished(connection: Connection, runId: string, output: Output, doing: string): Promise<Run> {
  const run = await connection.follow(api.reconcile.report, { runId }, (now) => {
    output.liveTalk.draw([
      `${doing}: ${plural(now.objectsSeen, "object")}, ${plural(now.recordsSeen, "record")} seen`,
    ]);
    return now.status !== "running" && now.status !== "applying";
  });
  output.liveTalk.draw([]);
  if (run.status !== "failed") return run;
  throw new ReelsyncError("CONVEX_FAILED", `The comparison stopped: ${run.error ?? "no cause was recorded"}`);
}

async function findingsOf(
  connection: Connection,
  runId: string,
  kind: FindingKind | undefined,
): Promise<Finding[]> {
  const found: Finding[] = [];
  const all = pages<Finding>((paginationOpts) =>
    connection.run("query", api.reconcile.findings, {
      runId,
      paginationOpts,
      ...(kind !== undefined && { kind }),
    }),
  );
  for await (const finding of all) found.push(finding);
  return found;
}

function give(found: readonly Finding[], run: Run, frozen: DeleteFreeze | null, output: Output): void {
  const lines = columns(found.map((finding) => row(finding, output)));
  found.forEach((finding, index) => output.give(finding, lines[index] ?? ""));
  if (output.json) output.give({ run, frozen }, "");
  const bytes = found.reduce((sum, { objectSize = 0 }) => sum + objectSize, 0);
  output.say(
    `${plural(run.objectsSeen, "object")} and ${plural(run.recordsSeen, "record")} compared: ` +
      (found.length === 0 ? "nothing to repair" : `${plural(found.length, "finding")}, ${size(bytes)}`),
  );
  if (run.localRecords > 0) {
    output.say(`${plural(run.localRecords, "record")} of files kept in folders left alone`);
  }
  if (frozen !== null) output.say(plain(frozenFact(frozen)));
}

function row(finding: Finding, { paint }: Output): string[] {
  const bytes = finding.objectSize ?? finding.recordSize;
  return [
    paint("yellow", finding.kind),
    finding.state,
    bytes === undefined ? "" : size(bytes),
    finding.s3Key,
    finding.note ?? finding.reason,
  ];
}
