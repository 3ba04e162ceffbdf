/** `--queue`: what cannot be sent now is kept on this machine and answered `queued`, and what was kept before goes first. */
import { resolve } from "node:path";
import type { ErrorCode } from "../../../contract/error-code.ts";
import type { Reelsync } from "../client.ts";
import { codedError } from "../errors.ts";
import { journalDepth } from "../journal/depth.ts";
import { withReelsync } from "./agent.ts";
import type { Options } from "./command.ts";
import type { Context } from "./context.ts";
import { describe } from "./output.ts";
import { plural } from "./quantities.ts";
import { sendWaiting } from "./send-waiting.ts";
import { journalDirOf } from "./settings.ts";

export const QUEUE_OPTION = {
  queue: {
    kind: "flag",
    summary: "While S3 or Convex is down keep the file on this machine, to be sent later, and exit 0",
  },
} as const satisfies Options;

/** For a command's details. */
export const QUEUE_DETAILS =
  "Without --queue an outage is a failure (5). With it the state is then `queued`: reelsync drain, watch or serve sends the file, or the next command with --queue.";

/** Why uploads were queued, which their results do not say. */
export interface Reasons {
  /** The result with the `code` that it was queued for. */
  beside: <T extends { state: string; uploadId: string }>(result: T) => T & { code?: ErrorCode };
  /** How many were queued, those apart that the end of the run sends. */
  counts: () => { queued: number; held: number };
}

export function reasonsOf(reelsync: Pick<Reelsync, "on">): Reasons {
  const codes = new Map<string, ErrorCode>();
  reelsync.on((event) => {
    if (event.type === "upload.queued") codes.set(event.uploadId, event.code);
  });
  return {
    beside(result) {
      const code = result.state === "queued" ? codes.get(result.uploadId) : undefined;
      return code === undefined ? result : { ...result, code };
    },
    counts() {
      const held = [...codes.values()].filter((code) => code === "ROLLOUT_HELD").length;
      return { queued: codes.size - held, held };
    },
  };
}

export function queuedInWords(code: ErrorCode | undefined): string {
  if (code === undefined) return "queued";
  return code === "ROLLOUT_HELD" ? "queued (ROLLOUT_HELD, until the end of the run)" : `queued (${code})`;
}

export async function withQueueing<T>(
  context: Context,
  queues: boolean,
  work: (reelsync: Reelsync, reasons: Reasons) => Promise<T>,
): Promise<T> {
  return withReelsync(
    context,
    async (reelsync: Reelsync) => {
      const reasons = reasonsOf(reelsync);
      if (!queues) return work(reelsync, reasons);
      const journalDir = resolve(context.cwd, journalDirOf(context.env));
      await sendEarlier(reelsync, journalDir, context);
      try {
        return await work(reelsync, reasons);
      } finally {
        tell(reasons, journalDir, context);
      }
    },
    queues ? "queue" : "strict",
  );
}

/** Otherwise what is uploaded now would go behind it, and a command that ends at once would never send either. */
async function sendEarlier(reelsync: Reelsync, journalDir: string, context: Context): Promise<void> {
  const { output } = context;
  try {
    const { waiting } = await journalDepth(journalDir);
    if (waiting === 0) return;
    const { sent, stopped } = await sendWaiting(reelsync, waiting, context);
    if (sent > 0) output.say(`${plural(sent, "upload")} sent that waited in ${journalDir}`);
    if (stopped !== undefined) output.say(`${stopped.code}: what waits in ${journalDir} goes on waiting`);
  } catch (error) {
    // It is kept, and no reason not to take the next.
    const { code, message } = describe(codedError(error));
    output.say(`what waits in ${journalDir} was not sent: ${code} ${message}`);
  }
}

function tell({ counts }: Reasons, journalDir: string, { output }: Context): void {
  const { queued, held } = counts();
  if (queued > 0)
    output.say(`${plural(queued, "upload")} queued in ${journalDir}: reelsync drain sends what waits`);
  if (held > 0) output.say(`${plural(held, "upload")} kept by the rollout, sent as this command ends`);
}
