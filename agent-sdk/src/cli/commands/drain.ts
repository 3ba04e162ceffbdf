/** `reelsync drain`: sends what waits in this machine's journal, or says how much that is. */
import { resolve } from "node:path";
import { journalDepth, type JournalDepth } from "../../journal/depth.ts";
import { withReelsync } from "../agent.ts";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit-code.ts";
import { date, plural, size } from "../quantities.ts";
import { journalDirOf } from "../settings.ts";

export const drain = defineCommand({
  path: ["drain"],
  summary: "Send the uploads that wait in this machine's journal",
  details:
    "What was answered `queued` while S3 or Convex was down, and what a killed process has left, is sent in the order of each scene. One that nothing will " +
    "help becomes a dead letter, and the exit code is 1; while something still waits it is 5. A process that runs keeps what it is busy with.",
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
      context.output.give({ journalDir, ...before }, statusLine(before));
      return EXIT.ok;
    }
    const { sent, failed } = await sendAll(before, context);
    const { waiting, underWay } = await journalDepth(journalDir);
    const counts = [`${sent} sent`, `${failed} failed`, `${waiting} waiting`];
    context.output.give({ sent, failed, waiting, underWay }, counts.join(", "));
    if (context.signal.aborted) return EXIT.interrupted;
    if (failed > 0) return EXIT.general;
    return waiting > 0 ? EXIT.temporary : EXIT.ok;
  },
});

async function sendAll({ waiting }: JournalDepth, context: Context) {
  const { output, signal } = context;
  return withReelsync(context, async (reelsync) => {
    let settled = 0;
    const show = () => {
      const total = Math.max(waiting, settled);
      output.liveTalk.draw([`${settled} of ${plural(total, "waiting upload")} done`]);
    };
    reelsync.on((event) => {
      if (event.type === "upload.failed") {
        output.say(`${event.uploadId}: ${event.code} ${event.message}`);
      }
      if (event.type !== "journal.sent" && event.type !== "upload.failed") return;
      settled += 1;
      show();
    });
    // Closing ends the pass; what was being sent stays in the journal.
    const stop = () => void reelsync.close();
    signal.addEventListener("abort", stop, { once: true });
    show();
    try {
      return await reelsync.drain();
    } finally {
      signal.removeEventListener("abort", stop);
      output.liveTalk.draw([]);
    }
  });
}

function statusLine({ waiting, underWay, waitingBytes, oldestAt, quarantined }: JournalDepth): string {
  return [
    waiting === 0 ? "nothing waits" : `${plural(waiting, "upload")} waiting, ${size(waitingBytes)}`,
    ...(oldestAt === undefined ? [] : [`the oldest since ${date(oldestAt)}`]),
    ...(underWay === 0 ? [] : [`${underWay} under way in running processes`]),
    ...(quarantined === 0 ? [] : [`${quarantined} unreadable, in quarantine`]),
  ].join(", ");
}
