/** What waits in this machine's journal, sent with a count on the terminal, and what kept the rest from being sent. */
import type { Reelsync } from "../client.ts";
import { ReelsyncError } from "../errors.ts";
import type { DrainCounts } from "../journal/drainer.ts";
import { plain } from "./columns.ts";
import type { Context } from "./context.ts";
import { plural } from "./quantities.ts";

export interface SentWaiting extends DrainCounts {
  /** What ended the pass before everything was sent. */
  stopped?: ReelsyncError;
  /** Entries nobody could read, by where they were set aside. */
  quarantined: string[];
}

export const QUARANTINE_HINT =
  "Look into it: what it holds of a render has to be uploaded again; then remove it.";

/** To be called before anything else is awaited of the client: what it finds in the journal it tells of at once. */
export async function sendWaiting(
  reelsync: Pick<Reelsync, "on" | "drain" | "close">,
  waiting: number,
  { output, signal }: Context,
): Promise<SentWaiting> {
  let settled = 0;
  let stopped: ReelsyncError | undefined;
  const quarantined: string[] = [];
  const show = () => {
    const total = Math.max(waiting, settled);
    output.liveTalk.draw([`${settled} of ${plural(total, "waiting upload")} done`]);
  };
  const silence = reelsync.on((event) => {
    if (event.type === "journal.quarantined") quarantined.push(event.path);
    if (event.type === "journal.waiting") stopped ??= new ReelsyncError(event.code, event.message);
    if (event.type === "upload.failed")
      output.say(`${event.uploadId}: ${event.code} ${plain(event.message)}`);
    if (event.type !== "journal.sent" && event.type !== "upload.failed") return;
    settled += 1;
    show();
  });
  // Closing ends the pass; what was being sent stays in the journal.
  const stop = () => void reelsync.close();
  signal.addEventListener("abort", stop, { once: true });
  if (waiting > 0) show();
  try {
    const counts = await reelsync.drain();
    return { ...counts, ...(stopped !== undefined && { stopped }), quarantined };
  } finally {
    silence();
    signal.removeEventListener("abort", stop);
    output.liveTalk.draw([]);
  }
}
