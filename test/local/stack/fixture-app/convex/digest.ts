"use node";
import { createHash } from "node:crypto";
import { v } from "convex/values";
import { action } from "./builders.ts";

export const sha256 = action({
  args: { text: v.string() },
  handler: async (_ctx, { text }) => createHash("sha256").update(text).digest("hex"),
});
