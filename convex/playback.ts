/** What a player needs: the timeline, live, and URLs on demand. */
import * as z from "zod";
import { MAX_URLS_PER_CALL } from "../contract/limits.ts";
import type { SignedAssetUrl } from "../contract/playback.ts";
import { internal } from "./_generated/api";
import { internalViewerQuery, viewerAction, viewerQuery } from "./functions.ts";
import { playableAssets } from "./model/playable.ts";
import { createLocalSigner } from "./model/localUrl.ts";
import { localAccess, storageAccess } from "./model/storageEnv.ts";
import { timeline as readTimeline } from "./model/timeline.ts";

/** null: not found, or not visible. */
export const timeline = viewerQuery({
  args: { sessionId: z.string() },
  handler: async (ctx, args) => readTimeline(ctx, ctx.caller, args),
});

const assetIds = z.array(z.string()).max(MAX_URLS_PER_CALL);

export const playable = internalViewerQuery({
  args: { assetIds },
  handler: async (ctx, args) => playableAssets(ctx, ctx.caller, args.assetIds),
});

/** URLs of those of the assets that are stored and the caller's; the others are left out. */
export const urls = viewerAction({
  args: { assetIds, download: z.boolean().optional() },
  handler: async (ctx, args): Promise<SignedAssetUrl[]> => {
    const assets = await ctx.runQuery(internal.playback.playable, { assetIds: args.assetIds });
    const options = { download: args.download ?? false };
    const isLocal = assets.map(({ storageBackend }) => storageBackend === "local");
    const signLocal = isLocal.includes(true) ? createLocalSigner(localAccess(), options) : undefined;
    const inBucket = isLocal.length === 0 || isLocal.includes(false);
    // Loaded by the action alone: the AWS SDK would more than double what every run of the timeline has to load.
    const signS3 = inBucket
      ? (await import("./model/presign.ts")).createUrlSigner(storageAccess(), options)
      : undefined;
    const signed = assets.map(async (asset) => {
      const sign = asset.storageBackend === "local" ? signLocal : signS3;
      return sign === undefined ? [] : [{ assetId: asset.assetId, ...(await sign(asset)) }];
    });
    return (await Promise.all(signed)).flat();
  },
});
