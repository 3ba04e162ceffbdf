/** `ctx.scheduler` of mutations. */
import { cancelJob, scheduleJob } from "../../scheduler/job-documents.ts";
import { pathOfReference } from "../function-reference.ts";
import { numberArgument, textArgument } from "../syscall-arguments.ts";
import { requireMutation } from "./syscall.ts";
import type { AsyncSyscall } from "./syscall.ts";

export const schedulerSyscalls: Record<string, AsyncSyscall> = {
  "1.0/schedule": (execution, args) => {
    requireMutation(execution, "The scheduler");
    const { run } = execution;
    return scheduleJob(run, run.loaded.app, {
      path: pathOfReference(args),
      args: args.args ?? {},
      dueMs: numberArgument(args, "ts") * 1000,
      nowMs: run.facilities.nowMs,
    });
  },
  "1.0/cancel_job": (execution, args) => {
    requireMutation(execution, "The scheduler");
    cancelJob(execution.run, textArgument(args, "id"), execution.run.facilities.nowMs);
    return null;
  },
};
