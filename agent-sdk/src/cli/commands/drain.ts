/** `reelsync drain`: sends what waits in this machine's journal, or says how much that is. */
import { resolve } from "node:path";
import type { ReelsyncError } from "../../errors.ts";
import { journalDepth, type JournalDepth } from "../../journal/depth.ts";
import { withReelsync } from "../agent.ts";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit-code.ts";
import { describe } from "../output.ts";
import { date, plural, size } from "../quantities.ts";
import { QUARANTINE_HINT, sendWaiting } from "../send-waiting.ts";
import { journalDirOf } from "../settings.ts";

export const drain = defineCommand({
  path: ["drain"],
  summary: "Send the uploads that wait in this machine's journal",
  details:
    "What was answered `queued` while S3 or Convex was down, and what a killed process has left, is sent in the order of each scene. One that nothing will " +
    "help becomes a dead letter, and the exit code is 1; while something still waits it is 5, and `stopped` says why. A process that runs keeps what it is busy with. " +
    "The journal is .reelsync/journal in the current folder unless REELSYNC_JOURNAL_DIR names one, which it should where commands run in different folders.",
  args: {},
  options: { status: { kind: "flag", summary: "Only say how much waits; nothing is sent" } },
  examples: [
    { does: "after an outage, or at the start of a night", line: "reelsync drain" },
    { does: "how much waits", line: "reelsync drain --status" },
  ],
  async run({ options }, context) {
    const journalDir = resolve(context.cwd, journalDirOf(context.env));
    const before = await journalDepth(journalDir);
    if (options.status) {
      context.output.give({ journalDir, ...before }, `${statusLine(before)}, in ${journalDir}`);
      return EXIT.ok;
    }
    const { sent, failed, stopped, quarantined } = await withReelsync(context, (reelsync) =>
      sendWaiting(reelsync, before.waiting, context),
    );
    const { waiting, underWay } = await journalDepth(journalDir);
    const counts = [`${sent} sent`, `${failed} failed`, `${waiting} waiting`];
    const record = {
      journalDir,
      sent,
      failed,
      waiting,
      underWay,
      ...(stopped !== undefined && { stopped: describe(stopped) }),
      ...(quarantined.length > 0 && { quarantined, hint: QUARANTINE_HINT }),
    };
    context.output.give(record, `${counts.join(", ")}, in ${journalDir}`);
    if (context.signal.aborted) return EXIT.interrupted;
    if (waiting > 0) tellWhy(stopped, context);
    if (failed > 0) return EXIT.general;
    return waiting > 0 ? EXIT.temporary : EXIT.ok;
  },
});

/** Once, however many wait. */
function tellWhy(stopped: ReelsyncError | undefined, { output }: Context): void {
  if (stopped === undefined) {
    output.say("what waits is held back by the rollout (reelsync rollout), or a running process sends it");
    return;
  }
  const { code, message, hint } = describe(stopped);
  output.say(`stopped by ${code}: ${message}\n  fix: ${hint ?? ""}`);
}

function statusLine({ waiting, underWay, waitingBytes, oldestAt, quarantined }: JournalDepth): string {
  return [
    waiting === 0 ? "nothing waits" : `${plural(waiting, "upload")} waiting, ${size(waitingBytes)}`,
    ...(oldestAt === undefined ? [] : [`the oldest since ${date(oldestAt)}`]),
    ...(underWay === 0 ? [] : [`${underWay} under way in running processes`]),
    ...(quarantined === 0 ? [] : [`${quarantined} unreadable, in quarantine`]),
  ].join(", ");
}
