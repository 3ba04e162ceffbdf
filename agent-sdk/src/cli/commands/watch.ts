/** `reelsync watch`: a folder that is being rendered into, file by file as they are finished. */
import { resolve } from "node:path";
import type { Reelsync } from "../../client.ts";
import { SECOND } from "../../../../contract/limits.ts";
import type { FolderWatch, WatchedFile, WatchSummary } from "../../folders/watch.ts";
import { withReelsync } from "../agent.ts";
import { plain } from "../columns.ts";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit-code.ts";
import {
  countQueued,
  countSwitchedOff,
  fileLine,
  giveFailed,
  giveSkipped,
  giveSwitchedOff,
} from "../folder-outcome.ts";
import type { Output } from "../output.ts";
import { createProgressBars, type FileProgress } from "../progress-bars.ts";
import { reasonsOf, type Reasons } from "../queueing.ts";
import { SESSION_OPTIONS, sessionOf } from "./sync.ts";

/** What is under way may end first when the watch is stopped; what does not is left to the journal. */
const GRACE_MS = 10 * SECOND;

export const watch = defineCommand({
  path: ["watch"],
  summary: "Upload what a render writes into a folder, each file when it is finished",
  details:
    "Files go where sync would put them. A file counts as finished when it was renamed into place, or stayed the same for --settle seconds. While S3 or Convex is down " +
    "files wait in the journal. Runs until Ctrl-C: then what is finished is sent or queued, and what is still being written is named. With S3_UPLOAD_ON_WRITE=false " +
    "everything is sent at the end. Started again, it sends nothing twice. Prints a line a file.",
  args: { dir: { summary: "The folder" } },
  options: {
    ...SESSION_OPTIONS,
    settle: {
      kind: "count",
      placeholder: "SECONDS",
      min: 1,
      summary: "How long a file stays the same, 2 unless given",
    },
  },
  oneOf: [["project", "session"]],
  examples: [
    { does: "beside a render", line: "reelsync watch out/ --project demo" },
    { does: "every file as a document", line: "reelsync watch out/ --session $session --json" },
  ],
  async run({ args, options }, context) {
    const { output } = context;
    const dir = resolve(context.cwd, args.dir);
    return withReelsync(
      context,
      async (reelsync: Reelsync) => {
        const reasons = reasonsOf(reelsync);
        const bars = createProgressBars(output.liveTalk, output.paintTalk);
        const files = new Map<string, FileProgress>();
        const watching = await reelsync.watch(dir, {
          ...sessionOf(options),
          ignore: options.ignore,
          ...(options.settle !== undefined && { settleMs: options.settle * SECOND }),
          onProgress(relative, progress) {
            if (!files.has(relative)) files.set(relative, bars.track(relative, progress.total));
            files.get(relative)?.report(progress);
          },
          onFile(file) {
            files.get(file.relative)?.end();
            files.delete(file.relative);
            give(file, reasons, output);
          },
        });
        output.say(`watching ${plain(dir)} for session ${watching.sessionId}; Ctrl-C ends it`);
        await aborted(context.signal);
        const summary = await stop(reelsync, watching);
        bars.close();
        tell(summary, reasons, context);
        return summary.failed > 0 ? EXIT.general : EXIT.ok;
      },
      "queue",
    );
  },
});

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function stop(reelsync: Reelsync, watching: FolderWatch): Promise<WatchSummary> {
  const grace = setTimeout(() => void reelsync.close({ graceMs: 0 }), GRACE_MS);
  return watching.close().finally(() => clearTimeout(grace));
}

function give({ type: _type, ...file }: WatchedFile, reasons: Reasons, output: Output): void {
  if ("uploadId" in file) {
    const told = reasons.beside(file);
    output.give(told, fileLine(told));
  } else if ("error" in file) giveFailed(file, output);
  else if ("reason" in file) giveSkipped([file], output);
  else giveSwitchedOff(file, output);
}

function tell(
  { sent, failed, switchedOff, unfinished }: WatchSummary,
  { counts: queuedOf }: Reasons,
  { output }: Context,
): void {
  const { queued, held } = queuedOf();
  for (const relative of unfinished) output.say(`${plain(relative)}: still being written, not sent`);
  const counts = [
    `${sent - queued - held} sent`,
    `${failed} failed`,
    `${unfinished.length} unfinished`,
    ...countQueued(queued + held),
    ...countSwitchedOff(switchedOff),
  ];
  output.say(counts.join(", "));
}
