/** Public functions of scenes. */
import * as z from "zod";
import { assetTypeSchema } from "../contract/asset.ts";
import { sceneUpsertSchema } from "../contract/scene.ts";
import { editorMutation, viewerQuery } from "./functions.ts";
import { paginationOpts } from "./model/page.ts";
import { sceneVersions, sceneView, upsertScene } from "./model/scenes.ts";

/** Creates or changes the scene with this natural key (session, sceneKey). */
export const upsert = editorMutation({
  args: sceneUpsertSchema.shape,
  handler: async (ctx, args) => upsertScene(ctx, ctx.caller, args),
});

export const get = viewerQuery({
  args: { sceneId: z.string() },
  handler: async (ctx, args) => sceneView(ctx, ctx.caller, args),
});

/** Every version of one asset of the scene, most recent first. */
export const versions = viewerQuery({
  args: {
    sceneId: z.string(),
    assetType: assetTypeSchema,
    chunkIndex: z.number().int().min(0).optional(),
    paginationOpts,
  },
  handler: async (ctx, args) => sceneVersions(ctx, ctx.caller, args),
});
