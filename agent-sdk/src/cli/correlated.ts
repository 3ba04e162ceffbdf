/**
 * A timeline with what its assets are called elsewhere. Players subscribe to timelines and have no use for that, so it
 * stands on the assets' records, which are read beside it.
 */
import type { Timeline, TimelineAsset } from "../../../contract/playback.ts";
import { api } from "../../../convex/_generated/api.js";
import { pages, type Connection } from "./connection.ts";

export async function correlated(connection: Connection, timeline: Timeline): Promise<Timeline> {
  const { sessionId } = timeline;
  const ids = new Map<string, string>();
  const records = pages((paginationOpts) =>
    connection.run("query", api.assets.ofSession, { sessionId, paginationOpts }),
  );
  for await (const { assetId, correlationId } of records) {
    if (correlationId !== undefined) ids.set(assetId, correlationId);
  }

  const named = <A extends TimelineAsset>(asset: A): A => {
    const correlationId = ids.get(asset.assetId);
    return correlationId === undefined ? asset : { ...asset, correlationId };
  };
  const scenes = timeline.scenes.map(({ chunks, subtitle, thumbnail, sourceCode, ...scene }) => ({
    ...scene,
    chunks: chunks.map(named),
    ...(subtitle !== undefined && { subtitle: named(subtitle) }),
    ...(thumbnail !== undefined && { thumbnail: named(thumbnail) }),
    ...(sourceCode !== undefined && { sourceCode: named(sourceCode) }),
  }));
  return { ...timeline, scenes };
}
