/** `reelsync backfill`: records for what is in the bucket already, or in a folder. */
import { resolve } from "node:path";
import { LAYOUT_NAMES } from "../../../../contract/key-layouts.ts";
import type { BackfilledFile, BackfillResult } from "../../folders/backfill.ts";
import type { Progress } from "../../progress.ts";
import { withReelsync } from "../agent.ts";
import { plain } from "../columns.ts";
import { defineCommand } from "../command.ts";
import { commonExitCode, EXIT, exitCodeOf, UsageError } from "../exit-code.ts";
import { countSwitchedOff, giveOutcome, givePlan, giveSkipped } from "../folder-outcome.ts";
import { describe, type Output } from "../output.ts";
import { createProgressBars, type FileProgress } from "../progress-bars.ts";
import { size } from "../quantities.ts";
import { storeSettings } from "../settings.ts";
import { syncWithBars } from "./sync.ts";

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
        const dir = resolve(context.cwd, source);
        const options = { session: { project }, signal };
        if (apply) {
          return commonExitCode(giveOutcome(await syncWithBars(reelsync, dir, options, output), output));
        }
        givePlan(await reelsync.syncDir(dir, { ...options, dryRun: true }), output);
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
      const bars = createProgressBars(output.liveTalk, output.paintTalk);
      const files = new Map<string, FileProgress>();
      const onFile = (file: BackfilledFile) => {
        if (file.type === "planned" && apply) {
          files.set(file.key, bars.track(file.key, file.size));
          return;
        }
        if ("key" in file) files.get(file.key)?.end();
        give(file, output);
      };
      const onProgress = (key: string, progress: Progress) => files.get(key)?.report(progress);
      try {
        const options = { layout, project, apply, onFile, onProgress, signal };
        const result = await reelsync.backfill(prefix, options);
        bars.close();
        output.say(counted(result, apply));
        return commonExitCode([EXIT.ok, ...result.failed.map(({ error }) => exitCodeOf(error))]);
      } finally {
        bars.close();
      }
    });
  },
});

function give(file: BackfilledFile, output: Output): void {
  switch (file.type) {
    case "skipped": {
      giveSkipped([file], output);
      return;
    }
    case "failed": {
      const { type: _type, error, ...rest } = file;
      if (output.json) output.give({ ...rest, error: describe(error) }, "");
      else {
        output.say(plain(file.key));
        output.fail(error);
      }
      return;
    }
    default: {
      const { type: _type, ...rest } = file;
      const outcome = outcomeOf(file);
      output.give({ ...rest, outcome }, cells(file, outcome).join("  "));
    }
  }
}

type Given = Exclude<BackfilledFile, { type: "skipped" | "failed" }>;

function outcomeOf(file: Given): string {
  switch (file.type) {
    case "planned":
      return "planned";
    case "known":
      return "known already";
    case "switchedOff":
      return "switched off";
    case "sent":
      return file.deduped === true ? "known already" : file.state;
  }
}

function cells(
  { sessionKey, scene, assetType, chunkIndex, size: bytes, key }: Given,
  outcome: string,
): string[] {
  return [
    plain(sessionKey),
    scene === undefined ? "(session)" : plain(scene),
    assetType,
    String(chunkIndex),
    outcome,
    size(bytes),
    plain(key),
  ];
}

function counted(result: BackfillResult, apply: boolean): string {
  const { planned, successful, known, failed, skipped, switchedOff } = result;
  if (!apply) return `nothing was changed: --apply takes ${planned.length} in`;
  return [
    `${successful.length} taken in`,
    `${known.length} known already`,
    `${failed.length} failed`,
    `${skipped.length} skipped`,
    ...countSwitchedOff(switchedOff.length),
  ].join(", ");
}
