/** Internal: the hourly job. Ends what lost its driver, in bounded batches; closes no session and deletes nothing. */
import { internal } from "./_generated/api";
import { internalMutation } from "./functions.ts";
import { expireUploads } from "./model/assetFailure.ts";
import { abandonStalledRuns } from "./model/reconcileSteps.ts";

export const expire = internalMutation({
  args: {},
  handler: async (ctx): Promise<null> => {
    await abandonStalledRuns(ctx);
    if (await expireUploads(ctx)) await ctx.scheduler.runAfter(0, internal.housekeeping.expire, {});
    return null;
  },
});
