/** Public functions of assets: intent → bytes → commit, and reading back. */
import * as z from "zod";
import type { DatedIntent } from "../contract/asset.ts";
import { MAX_BATCH_ITEMS, MAX_ERROR_MESSAGE_LENGTH } from "../contract/limits.ts";
import { adminOrAgentMutation, agentMutation, editorMutation, viewerQuery } from "./functions.ts";
import { beginAssets, commitArgsSchema, commitAssets } from "./model/assetBatch.ts";
import { cleanUp } from "./model/assetCleanup.ts";
import { commitAsset } from "./model/assetCommit.ts";
import type { CommitArgs } from "./model/assetCommit.ts";
import { failAsset, markUploading } from "./model/assetFailure.ts";
import { beginAsset, uncheckedIntentSchema } from "./model/assetIntent.ts";
import { assetById, assetByKey, assetByUpload, assetsByUpload, assetsOfSession } from "./model/assets.ts";
import { paginationOpts } from "./model/page.ts";

export const begin = editorMutation({
  args: uncheckedIntentSchema.shape,
  handler: async (ctx, args) => beginAsset(ctx, ctx.caller, args),
});

export const beginBatch = editorMutation({
  args: { items: itemsOf<DatedIntent>() },
  handler: async (ctx, { items }) => beginAssets(ctx, ctx.caller, items),
});

export const uploading = agentMutation({
  args: { assetId: z.string() },
  handler: async (ctx, args) => markUploading(ctx, ctx.caller, args),
});

export const commit = editorMutation({
  args: commitArgsSchema.shape,
  handler: async (ctx, args) => commitAsset(ctx, ctx.caller, args),
});

export const commitBatch = editorMutation({
  args: { items: itemsOf<CommitArgs>() },
  handler: async (ctx, { items }) => commitAssets(ctx, ctx.caller, items),
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

/** In the order of the ids; null for what is unknown. */
export const byUploads = viewerQuery({
  args: { uploadIds: z.array(z.string()).max(MAX_BATCH_ITEMS) },
  handler: async (ctx, { uploadIds }) => assetsByUpload(ctx, ctx.caller, uploadIds),
});

export const get = viewerQuery({
  args: { assetId: z.string() },
  handler: async (ctx, args) => assetById(ctx, ctx.caller, args),
});

/** Null for a key that is unknown. */
export const byKey = viewerQuery({
  args: { s3Key: z.string() },
  handler: async (ctx, args) => assetByKey(ctx, ctx.caller, args),
});

/** The session's own assets first, then scene by scene, each in the order of its slots. `history` takes in every version in any state. */
export const ofSession = viewerQuery({
  args: { sessionId: z.string(), history: z.boolean().optional(), paginationOpts },
  handler: async (ctx, args) => assetsOfSession(ctx, ctx.caller, args),
});

/** Removes history by its objects' keys; what is shown or on its way is refused. With `dryRun` it only says what it would do. */
export const cleanup = adminOrAgentMutation({
  args: {
    s3Keys: z.array(z.string().min(1)).max(MAX_BATCH_ITEMS),
    dryRun: z.boolean(),
    tenantId: z.string().optional(),
  },
  handler: async (ctx, args) => cleanUp(ctx, ctx.caller, args),
});

/** Told to clients as what it is, and judged item by item in the model, which answers for each. */
function itemsOf<Item>() {
  return z.array(z.custom<Item>()).max(MAX_BATCH_ITEMS);
}
