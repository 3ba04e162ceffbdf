import { paginationOptsValidator } from "convex/server";
import { ConvexError, v } from "convex/values";
import { action, internalMutation, internalQuery, mutation, query } from "./builders.ts";
import { internal } from "./references.ts";

export const list = query({
  args: {},
  handler: (ctx) => ctx.db.query("messages").order("desc").take(100),
});

export const by = query({
  args: { author: v.string() },
  handler: (ctx, { author }) =>
    ctx.db
      .query("messages")
      .withIndex("by_author", (q) => q.eq("author", author))
      .collect(),
});

export const page = query({
  args: { paginationOpts: paginationOptsValidator },
  handler: (ctx, { paginationOpts }) => ctx.db.query("messages").order("desc").paginate(paginationOpts),
});

export const send = mutation({
  args: { author: v.string(), body: v.string() },
  handler: async (ctx, message) => {
    if (message.body === "") throw new ConvexError({ code: "EMPTY_BODY" });
    console.log("sent by", message.author);
    return ctx.db.insert("messages", message);
  },
});

export const store = internalMutation({
  args: { author: v.string(), body: v.string() },
  handler: (ctx, message) => ctx.db.insert("messages", message),
});

export const count = internalQuery({
  args: {},
  handler: async (ctx) => (await ctx.db.query("messages").collect()).length,
});

export const sendLater = mutation({
  args: { author: v.string(), body: v.string() },
  handler: async (ctx, message) => {
    await ctx.scheduler.runAfter(0, internal.messages.store, message);
    return null;
  },
});

export const sendTwice = action({
  args: { author: v.string(), body: v.string() },
  handler: async (ctx, message): Promise<number> => {
    await ctx.runMutation(internal.messages.store, message);
    await ctx.runMutation(internal.messages.store, message);
    return ctx.runQuery(internal.messages.count, {});
  },
});
