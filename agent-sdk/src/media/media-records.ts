/** What the deployment knows of stored media, read by the helpers that work on it. */
import type { FunctionReturnType } from "convex/server";
import type { Asset } from "../../../contract/asset.ts";
import { api } from "../../../convex/_generated/api.js";
import type { Call } from "../call.ts";
import type { CallConvex } from "../convex/convex-caller.ts";
import { ReelsyncError } from "../errors.ts";
import type { Guard } from "../resilience/guard.ts";

type Timeline = NonNullable<FunctionReturnType<typeof api.playback.timeline>>;

export type MediaRecords = ReturnType<typeof createMediaRecords>;

const PAGE_SIZE = 200;

export function createMediaRecords(convex: CallConvex, guard: Guard) {
  const byId = (assetId: string, call: Call): Promise<Asset> =>
    guard(call, "assets:get", () => convex("query", api.assets.get, { assetId }, call));

  async function byKey(s3Key: string, call: Call): Promise<Asset> {
    const asset = await guard(call, "assets:byKey", () => convex("query", api.assets.byKey, { s3Key }, call));
    if (asset === null) throw new ReelsyncError("NOT_FOUND", `No asset of yours is stored under "${s3Key}"`);
    return asset;
  }

  return {
    byId,

    /** Keys are paths, ids never hold a slash. */
    find: (idOrKey: string, call: Call) => (idOrKey.includes("/") ? byKey : byId)(idOrKey, call),

    async timeline(sessionId: string, call: Call): Promise<Timeline> {
      const timeline = await guard(call, "playback:timeline", () =>
        convex("query", api.playback.timeline, { sessionId }, call),
      );
      if (timeline === null) {
        throw new ReelsyncError("SESSION_NOT_FOUND", `No session with id "${sessionId}" is visible to you`);
      }
      return timeline;
    },

    /** The current assets of a session and of its scenes, by id. */
    async current(sessionId: string, call: Call): Promise<Map<string, Asset>> {
      const pageAfter = (cursor: string | null) => {
        const args = { sessionId, paginationOpts: { cursor, numItems: PAGE_SIZE } };
        return guard(call, "assets:ofSession", () => convex("query", api.assets.ofSession, args, call));
      };
      const assets = new Map<string, Asset>();
      for (let cursor: string | null = null; ;) {
        const found: Awaited<ReturnType<typeof pageAfter>> = await pageAfter(cursor);
        for (const asset of found.page) assets.set(asset.assetId, asset);
        if (found.isDone) return assets;
        cursor = found.continueCursor;
      }
    },
  };
}
