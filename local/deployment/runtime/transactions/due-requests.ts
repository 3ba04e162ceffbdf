/** Timers fired by the main thread's clock, and the end of the actions they started. */
import { cronPrefix } from "../../scheduler/cron-rows.ts";
import { runDueCron, settleCron } from "./due-crons.ts";
import { jobPrefix, runDueJob, settleJob } from "./due-jobs.ts";
import type { Handlers } from "./handlers.ts";

export const dueRequests: Pick<Handlers, "runDue" | "settleDue"> = {
  runDue: (thread, { timer }) =>
    timer.startsWith(cronPrefix)
      ? runDueCron(thread, timer)
      : runDueJob(thread, timer.slice(jobPrefix.length)),

  settleDue(thread, { timer, error }) {
    if (timer.startsWith(cronPrefix)) settleCron(thread, timer);
    else settleJob(thread, timer.slice(jobPrefix.length), error);
    return null;
  },
};
