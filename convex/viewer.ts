/** Who the caller is and where they belong. */
import { viewerQuery } from "./functions.ts";
import { describeCaller } from "./model/viewer.ts";

export const me = viewerQuery({
  args: {},
  handler: async (ctx) => describeCaller(ctx, ctx.caller),
});
