/** `reelsync backfill`: records for what is in the bucket already, or in a folder. */
import { resolve } from "node:path";
import { LAYOUT_NAMES } from "../../../../contract/key-layouts.ts";
import type { BackfillResult } from "../../folders/backfill.ts";
import { withReelsync } from "../agent.ts";
import { columns, plain } from "../columns.ts";
import { defineCommand } from "../command.ts";
import { commonExitCode, EXIT, exitCodeOf, UsageError } from "../exit-code.ts";
import { giveOutcome, givePlan, giveSkipped } from "../folder-outcome.ts";
import { describe, type Output } from "../output.ts";
import { size } from "../quantities.ts";
import { storeSettings } from "../settings.ts";

export const backfill = defineCommand({
  path: ["backfill"],
  summary: "Record files or objects that are there already; a plan unless --apply is said",
  details:
    "A folder is taken in by the rules of sync. Objects of the bucket are named s3://BUCKET/PREFIX and read by --layout: topic is {topic}/…, recordings users/user_000123/recordings/…, " +
    "creatives videos/{tenant}/{timestamp}-{creative}-{iteration}.mp4, stages videos/ transcripts/ processed/ (temp/ is left). Each becomes a session's asset under its canonical " +
    "key; the old object stays. Again it goes on with what is not recorded yet.",
  args: { source: { summary: "A folder, or s3://BUCKET/PREFIX" } },
  options: {
    project: { kind: "text", placeholder: "SLUG", required: true, summary: "Project of the sessions" },
    layout: { kind: "text", choices: LAYOUT_NAMES, summary: "How the keys are laid out, of a bucket" },
    apply: { kind: "flag", summary: "Do it; without it the plan is printed and nothing changes" },
  },
  examples: [
    { does: "the plan", line: "reelsync backfill s3://reels/old --layout topic --project archive" },
    { does: "do it", line: "reelsync backfill s3://reels/old --layout topic --project archive --apply" },
  ],
  async run({ args: { source }, options: { project, layout, apply } }, context) {
    const { output, signal } = context;
    const [, bucket, prefix = ""] = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(source) ?? [];
    if (bucket === undefined) {
      return withReelsync(context, async (reelsync) => {
        const options = { session: { project }, dryRun: !apply, signal };
        const result = await reelsync.syncDir(resolve(context.cwd, source), options);
        if (apply) return commonExitCode(giveOutcome(result, output));
        givePlan(result, output);
        return EXIT.ok;
      });
    }
    if (layout === undefined)
      throw new UsageError(
        "--layout says how the keys are to be read",
        "reelsync backfill --help names them.",
      );
    const own = storeSettings(context.env).bucket;
    if (bucket !== own) {
      throw new UsageError(
        `S3_BUCKET is "${own}", not "${bucket}"`,
        "Objects of another bucket are copied into this one first.",
      );
    }
    return withReelsync(context, async (reelsync) => {
      const result = await reelsync.backfill(prefix, { layout, project, apply, signal });
      give(result, apply, output);
      return commonExitCode([EXIT.ok, ...result.failed.map(({ error }) => exitCodeOf(error))]);
    });
  },
});

function give(result: BackfillResult, apply: boolean, output: Output): void {
  const files = apply
    ? [
        ...result.successful.map((file) => ({
          ...file,
          outcome: file.deduped === true ? "known already" : file.state,
        })),
        ...result.known.map((file) => ({ ...file, outcome: "known already" })),
        ...result.switchedOff.map((file) => ({ ...file, outcome: "switched off" })),
      ]
    : result.planned.map((file) => ({ ...file, outcome: "planned" }));
  const lines = columns(
    files.map(({ sessionKey, scene, assetType, chunkIndex, outcome, size: bytes, key }) => [
      plain(sessionKey),
      scene === undefined ? "(session)" : plain(scene),
      assetType,
      String(chunkIndex),
      outcome,
      size(bytes),
      plain(key),
    ]),
  );
  files.forEach((file, index) => output.give(file, lines[index] ?? ""));
  for (const { error, ...file } of result.failed) {
    if (output.json) output.give({ ...file, error: describe(error) }, "");
    else {
      output.say(plain(file.key));
      output.fail(error);
    }
  }
  giveSkipped(result.skipped, output);
  if (!apply) output.say(`nothing was changed: --apply takes ${files.length} in`);
}
