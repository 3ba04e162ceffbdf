/** `reelsync sync`: a render's output folder with its records, in one go. */
import { resolve } from "node:path";
import type { Reelsync } from "../../client.ts";
import { planFolder } from "../../folders/plan-folder.ts";
import { readFolder } from "../../folders/read-folder.ts";
import type { SessionChoice, SyncDirOptions, SyncDirResult } from "../../folders/sync-dir.ts";
import { defineCommand, type Options } from "../command.ts";
import { commonExitCode, EXIT, UsageError } from "../exit-code.ts";
import { giveOutcome, givePlan } from "../folder-outcome.ts";
import type { Output } from "../output.ts";
import { createProgressBars, type FileProgress } from "../progress-bars.ts";
import { QUEUE_DETAILS, QUEUE_OPTION, withQueueing } from "../queueing.ts";

/** Which session a folder is for, and what of it is left alone. */
export const SESSION_OPTIONS = {
  project: {
    kind: "text",
    placeholder: "SLUG",
    summary: "Project of the session, which is created if it is not there",
  },
  key: { kind: "text", summary: "The session's key in the project; the folder's name unless given" },
  title: { kind: "text", summary: "The session's title, should it be created" },
  session: { kind: "text", placeholder: "ID", summary: "A session that is there, instead of --project" },
  ignore: {
    kind: "text",
    placeholder: "PATTERN",
    many: true,
    summary: "Leave these alone, as in a .gitignore",
  },
} as const satisfies Options;

export const sync = defineCommand({
  path: ["sync"],
  summary: "Store a render's output folder and record it: sub-folders become scenes",
  details:
    "A folder of the first level is a scene, and so is a video in the folder itself; names end in the chunk's number; extensions say what a file is. CLI.md has the " +
    "rules and an example. Hidden and half-written files and what .reelsyncignore names are left alone. Repeating it sends what changed and nothing else. Prints a " +
    "line a file: scene, type, chunk, state, size and path. A session or scene that is not there cannot be made while Convex is down. " +
    QUEUE_DETAILS,
  args: { dir: { summary: "The folder" } },
  options: {
    ...SESSION_OPTIONS,
    "dry-run": { kind: "flag", summary: "Print the plan; nothing is created or sent" },
    ...QUEUE_OPTION,
  },
  oneOf: [["project", "session"]],
  examples: [
    { does: "what would be made of it", line: "reelsync sync out/ --project demo --dry-run" },
    { does: "a session named after the folder", line: "reelsync sync out/ --project demo" },
    { does: "into a session that is there", line: "reelsync sync out/ --session $session --ignore '*.log'" },
  ],
  async run({ args, options }, context) {
    const { output, signal } = context;
    const choice = sessionOf(options);
    const dir = resolve(context.cwd, args.dir);
    if (options["dry-run"] && options.session === undefined) {
      // Names are enough for it: no key, no bucket, no deployment.
      const { files, skipped } = await readFolder(dir, options.ignore);
      const plan = planFolder(files);
      givePlan({ ...plan, skipped: [...skipped, ...plan.skipped] }, output);
      return EXIT.ok;
    }
    return withQueueing(context, options.queue && !options["dry-run"], async (reelsync, reasons) => {
      if (options["dry-run"]) {
        givePlan(
          await reelsync.syncDir(dir, { ...choice, ignore: options.ignore, dryRun: true, signal }),
          output,
        );
        return EXIT.ok;
      }
      const result = await syncWithBars(reelsync, dir, { ...choice, ignore: options.ignore, signal }, output);
      return commonExitCode(giveOutcome(result, output, reasons));
    });
  },
});

/** With a bar for each file under way. */
export async function syncWithBars(
  reelsync: Reelsync,
  dir: string,
  options: SyncDirOptions,
  output: Output,
): Promise<SyncDirResult> {
  const bars = createProgressBars(output.liveTalk, output.paintTalk);
  const files = new Map<string, FileProgress>();
  try {
    return await reelsync.syncDir(dir, {
      ...options,
      onPlan: (plan) => {
        for (const { relative, size } of plan.files) files.set(relative, bars.track(relative, size));
      },
      onProgress(relative, progress) {
        files.get(relative)?.report(progress);
        if (progress.phase === "done") files.get(relative)?.end();
      },
    });
  } finally {
    bars.close();
  }
}

interface SessionOptions {
  project: string | undefined;
  key: string | undefined;
  title: string | undefined;
  session: string | undefined;
}

export function sessionOf({ project, key, title, session }: SessionOptions): SessionChoice {
  if ((project === undefined) === (session === undefined)) {
    throw new UsageError(
      "Either --project or --session says where the folder belongs",
      "Name the project, and the session is created; or name a session that is there.",
    );
  }
  if (project === undefined) return { sessionId: session ?? "" };
  return {
    session: {
      project,
      ...(key !== undefined && { sessionKey: key }),
      ...(title !== undefined && { title }),
    },
  };
}
