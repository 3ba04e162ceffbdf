/** What a player subscribes to: ordered scenes with their playable chunks. No URL and no clock in it. */
import type { AssetsStatus, SceneStatus } from "./scene.ts";
import type { SessionStatus } from "./session.ts";

export interface TimelineAsset {
  assetId: string;
  version: number;
  contentType: string;
  size: number;
  chunkIndex: number;
  durationMs?: number;
}

export interface TimelineScene {
  sceneId: string;
  sceneKey: string;
  index: number;
  title: string;
  status: SceneStatus;
  assetsStatus: AssetsStatus;
  errorMessage?: string;
  /** Highest version among the scene's current assets: changes whenever something in the scene was re-rendered. */
  assetVersion: number;
  plannedDurationMs?: number;
  /** Ready chunks in order; empty until the first one is committed. */
  chunks: TimelineAsset[];
  subtitle?: TimelineAsset;
  thumbnail?: TimelineAsset;
  sourceCode?: TimelineAsset;
}

export interface Timeline {
  sessionId: string;
  title: string;
  status: SessionStatus;
  plannedSceneCount?: number;
  totalAssetSize: number;
  assetCount: number;
  scenes: TimelineScene[];
}

export interface SignedAssetUrl {
  assetId: string;
  url: string;
  /** Milliseconds since the epoch; null for public base URLs, which do not expire. */
  expiresAt: number | null;
  /** When a player should ask again (75 % of the URL's life); null with `expiresAt`. */
  renewAt: number | null;
}
