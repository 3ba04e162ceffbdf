/** Internal: what the token endpoint asks of the database. */
import { v } from "convex/values";
import { internalMutation } from "./functions.ts";
import { useAgentKey } from "./model/agentKeys.ts";

export const use = internalMutation({
  args: { hash: v.string() },
  handler: async (ctx, args) => useAgentKey(ctx, args.hash),
});
