/**
 * The demo agent: renders the reel scene by scene and uploads every file with one SDK call each, as any agent would.
 * It knows the SDK and the renderer, nothing of the local stack; outages come in through `beforeUpload`.
 */
import type { AssetType, PublishedUpload, Reelsync } from "reelsync";
import { type Renderer, writeSourceCode, writeSubtitles } from "./render.ts";
import { type DemoScene, REEL_TITLE, SCENES } from "./scenes.ts";

export interface UploadedAsset extends PublishedUpload {
  sceneKey: string;
  assetType: AssetType;
  chunkIndex: number;
  /** When the renderer closed the file and when the SDK had the record's commit, milliseconds since the epoch. */
  fileClosedAt: number;
  committedAt: number;
}

export interface DemoAgentOptions {
  reelsync: Reelsync<"strict">;
  renderer: Renderer;
  directory: string;
  sessionKey: string;
  onAsset?: (asset: UploadedAsset) => void;
  onScene?: (scene: DemoScene, step: "rendering" | "uploaded") => void;
  /** Called when the scene's files are closed, before its uploads start. */
  beforeUpload?: (scene: DemoScene) => Promise<void>;
}

export interface StartedReel {
  sessionId: string;
  sceneIds: Map<string, string>;
}

/** Announces the whole reel first, so that a viewer sees what is planned. */
export async function announceReel({ reelsync, sessionKey }: DemoAgentOptions): Promise<StartedReel> {
  const { sessionId } = await reelsync.createSession({
    title: REEL_TITLE,
    project: "demo",
    sessionKey,
    plannedSceneCount: SCENES.length,
  });
  const sceneIds = new Map<string, string>();
  for (const [index, scene] of SCENES.entries()) {
    const { sceneId } = await reelsync.upsertScene(plannedScene(sessionId, scene, index));
    sceneIds.set(scene.sceneKey, sceneId);
  }
  return { sessionId, sceneIds };
}

export async function renderReel(options: DemoAgentOptions, reel: StartedReel): Promise<void> {
  for (const [index, scene] of SCENES.entries()) {
    const sceneId = reel.sceneIds.get(scene.sceneKey) ?? "";
    await options.reelsync.upsertScene({
      ...plannedScene(reel.sessionId, scene, index),
      status: "rendering",
    });
    options.onScene?.(scene, "rendering");
    await renderScene(options, scene, sceneId, 1);
    options.onScene?.(scene, "uploaded");
  }
}

/** Renders one scene (again) and uploads its files; the chunks go up while the small files do. */
export async function renderScene(
  options: DemoAgentOptions,
  scene: DemoScene,
  sceneId: string,
  take: number,
): Promise<void> {
  const { renderer, directory, reelsync } = options;
  const upload = async (
    file: string,
    assetType: AssetType,
    extra: { chunkIndex?: number; durationMs?: number } = {},
  ) => {
    const fileClosedAt = Date.now();
    const entity = { type: "scene", id: sceneId } as const;
    const result = await reelsync.uploadWithConvexSync({
      file,
      entity,
      assetType,
      metadata: { take },
      ...extra,
    });
    const chunkIndex = extra.chunkIndex ?? 0;
    const { sceneKey } = scene;
    options.onAsset?.({ ...result, sceneKey, assetType, chunkIndex, fileClosedAt, committedAt: Date.now() });
  };

  const sidecars = [await writeSubtitles(scene, directory), await writeSourceCode(scene, directory)] as const;
  const chunks = [];
  for (const chunkIndex of scene.chunkSeconds.keys())
    chunks.push(await renderer.renderChunk(scene, chunkIndex, take));
  const thumbnail = await renderer.renderThumbnail(scene, chunks[0]?.file ?? "");

  await options.beforeUpload?.(scene);
  await Promise.all([
    upload(sidecars[0], "subtitle"),
    upload(sidecars[1], "source_code"),
    upload(thumbnail, "thumbnail"),
    ...chunks.map(({ file, durationMs }, chunkIndex) =>
      upload(file, "video_chunk", { chunkIndex, durationMs }),
    ),
  ]);
}

function plannedScene(sessionId: string, scene: DemoScene, index: number) {
  const plannedDurationMs = scene.chunkSeconds.reduce((sum, seconds) => sum + seconds, 0) * 1000;
  return { sessionId, sceneKey: scene.sceneKey, index, title: scene.title, plannedDurationMs };
}
