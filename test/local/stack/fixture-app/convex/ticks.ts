import { internalMutation, query } from "./builders.ts";

export const tick = internalMutation({
  args: {},
  handler: async (ctx) => {
    await ctx.db.insert("ticks", { at: Date.now() });
    return null;
  },
});

export const count = query({
  args: {},
  handler: async (ctx) => (await ctx.db.query("ticks").collect()).length,
});
