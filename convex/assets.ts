/** Public functions of assets: intent → bytes → commit, and reading back. */
import * as z from "zod";
import { assetIntentSchema, storedObjectSchema } from "../contract/asset.ts";
import { MAX_ERROR_MESSAGE_LENGTH } from "../contract/limits.ts";
import { agentMutation, editorMutation, viewerQuery } from "./functions.ts";
import { commitAsset } from "./model/assetCommit.ts";
import { failAsset, markUploading } from "./model/assetFailure.ts";
import { beginAsset } from "./model/assetIntent.ts";
import { assetById, assetByUpload } from "./model/assets.ts";

export const begin = editorMutation({
  args: {
    ...assetIntentSchema.shape,
    // Judged by the model, which gives each fault its own code.
    assetType: z.string(),
    contentType: z.string(),
    size: z.number().int().min(0),
  },
  handler: async (ctx, args) => beginAsset(ctx, ctx.caller, args),
});

export const uploading = agentMutation({
  args: { assetId: z.string() },
  handler: async (ctx, args) => markUploading(ctx, ctx.caller, args),
});

export const commit = editorMutation({
  args: { assetId: z.string(), object: storedObjectSchema },
  handler: async (ctx, args) => commitAsset(ctx, ctx.caller, args),
});

export const fail = editorMutation({
  args: {
    assetId: z.string(),
    code: z.string().max(100),
    message: z.string().max(MAX_ERROR_MESSAGE_LENGTH),
  },
  handler: async (ctx, args) => failAsset(ctx, ctx.caller, args),
});

export const byUpload = viewerQuery({
  args: { uploadId: z.string() },
  handler: async (ctx, args) => assetByUpload(ctx, ctx.caller, args),
});

export const get = viewerQuery({
  args: { assetId: z.string() },
  handler: async (ctx, args) => assetById(ctx, ctx.caller, args),
});
