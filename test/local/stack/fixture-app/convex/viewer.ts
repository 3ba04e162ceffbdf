import { ConvexError, v } from "convex/values";
import { mutation, query } from "./builders.ts";

export const me = query({ args: {}, handler: (ctx) => ctx.auth.getUserIdentity() });

export const greeting = query({ args: {}, handler: () => process.env.GREETING ?? "no greeting" });

export const sendAsMe = mutation({
  args: { body: v.string() },
  handler: async (ctx, { body }) => {
    const identity = await ctx.auth.getUserIdentity();
    if (!identity) throw new ConvexError({ code: "UNAUTHENTICATED" });
    return ctx.db.insert("messages", { author: identity.subject, body });
  },
});

export const neverReturns = query({
  args: {},
  handler: () => {
    for (;;);
  },
});
