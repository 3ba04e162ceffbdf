/** What happens without anybody asking. */
import { cronJobs } from "convex/server";
import { internal } from "./_generated/api";

const crons = cronJobs();

crons.interval("give up on what nobody finished", { hours: 1 }, internal.housekeeping.expire, {});
crons.interval("quarantine refused objects", { hours: 1 }, internal.bucket.drain, {});

export default crons;
