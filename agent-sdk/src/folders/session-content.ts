/** What a session holds, read from its records: the scenes in order, and every current asset. */
import type { FunctionReturnType } from "convex/server";
import type { Asset } from "../../../contract/asset.ts";
import type { Timeline } from "../../../contract/playback.ts";
import { api } from "../../../convex/_generated/api.js";
import type { Call } from "../call.ts";
import type { CallConvex } from "../convex/convex-caller.ts";
import { ReelsyncError } from "../errors.ts";
import type { Guard } from "../resilience/guard.ts";
import type { KnownSession } from "./plan-folder.ts";

export interface SessionContent {
  timeline: Timeline;
  assets: Asset[];
}

export type ReadSession = (sessionId: string, call: Call) => Promise<SessionContent>;

type Page = FunctionReturnType<typeof api.assets.ofSession>;

const PAGE_SIZE = 200;

export function createSessionReader(convex: CallConvex, guard: Guard): ReadSession {
  return async (sessionId, call) => {
    const timeline = await guard(call, "playback:timeline", () =>
      convex("query", api.playback.timeline, { sessionId }, call),
    );
    if (timeline === null) {
      throw new ReelsyncError("SESSION_NOT_FOUND", `No session with id "${sessionId}" is visible to you`);
    }
    const assets: Asset[] = [];
    for (let cursor: string | null = null; ;) {
      const paginationOpts: { cursor: string | null; numItems: number } = { cursor, numItems: PAGE_SIZE };
      const page: Page = await guard(call, "assets:ofSession", () =>
        convex("query", api.assets.ofSession, { sessionId, paginationOpts }, call),
      );
      assets.push(...page.page);
      if (page.isDone) return { timeline, assets };
      cursor = page.continueCursor;
    }
  };
}

/** The metadata that says where in its folder an asset's file was. */
export const PATH_FACT = "path";

export function knownSession({ timeline, assets }: SessionContent): KnownSession {
  const keyOf = new Map(timeline.scenes.map(({ sceneId, sceneKey }) => [sceneId, sceneKey]));
  return {
    scenes: timeline.scenes.map(({ sceneKey, index }) => ({ sceneKey, index })),
    assets: assets.map(({ entityId, assetType, chunkIndex, metadata }) => {
      const scene = keyOf.get(entityId);
      const path = metadata?.[PATH_FACT];
      return {
        assetType,
        chunkIndex,
        ...(scene !== undefined && { scene }),
        ...(typeof path === "string" && { relative: path }),
      };
    }),
  };
}
