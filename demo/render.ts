/**
 * Renders one scene into files, as a video agent would: chunks, subtitles, a thumbnail and the "source code". Uses ffmpeg when it is there,
 * else copies the committed clips at the pace a renderer would need.
 */
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { drawChunk, drawThumbnail, hasFfmpeg } from "./ffmpeg.ts";
import { clipPath, thumbnailPath } from "./media/clips.ts";
import { type DemoScene, SCENES } from "./scenes.ts";

export interface RenderedChunk {
  file: string;
  durationMs: number;
}

export interface Renderer {
  name: "ffmpeg" | "committed clips";
  renderChunk(scene: DemoScene, chunkIndex: number, take: number): Promise<RenderedChunk>;
  renderThumbnail(scene: DemoScene, firstChunk: string): Promise<string>;
}

/** `paceMs` is how long each chunk takes at least, so that a viewer can watch scenes arrive. */
export async function createRenderer(directory: string, paceMs: number): Promise<Renderer> {
  await mkdir(directory, { recursive: true });
  const withFfmpeg = hasFfmpeg();

  return {
    name: withFfmpeg ? "ffmpeg" : "committed clips",
    async renderChunk(scene, chunkIndex, take) {
      const file = join(directory, `${scene.sceneKey}-${chunkIndex}-take-${take}.mp4`);
      const sceneNumber = SCENES.indexOf(scene) + 1;
      await Promise.all([
        wait(paceMs),
        withFfmpeg
          ? drawChunk({ scene, sceneNumber, chunkIndex, take }, file)
          : copyFile(clipPath(scene.sceneKey, chunkIndex, take), file),
      ]);
      return { file, durationMs: (scene.chunkSeconds[chunkIndex] ?? 0) * 1000 };
    },
    async renderThumbnail(scene, firstChunk) {
      const file = join(directory, `${scene.sceneKey}.jpg`);
      await (withFfmpeg ? drawThumbnail(firstChunk, file) : copyFile(thumbnailPath(scene.sceneKey), file));
      return file;
    },
  };
}

/** The captions of a scene, spread evenly over its length, as SubRip. */
export async function writeSubtitles(scene: DemoScene, directory: string): Promise<string> {
  const file = join(directory, `${scene.sceneKey}.srt`);
  const totalMs = scene.chunkSeconds.reduce((sum, seconds) => sum + seconds, 0) * 1000;
  const eachMs = totalMs / scene.captions.length;
  const cues = scene.captions.map(
    (text, index) =>
      `${index + 1}\n${srtTime(index * eachMs)} --> ${srtTime((index + 1) * eachMs - 100)}\n${text}\n`,
  );
  await writeFile(file, cues.join("\n"));
  return file;
}

/** What the scene was made from: the part of the recipe that an editor would want to see. */
export async function writeSourceCode(scene: DemoScene, directory: string): Promise<string> {
  const file = join(directory, `${scene.sceneKey}.ts`);
  await writeFile(file, `export const scene = ${JSON.stringify(scene, null, 2)};\n`);
  return file;
}

function srtTime(ms: number): string {
  const time = new Date(Math.round(ms)).toISOString();
  return time.slice(11, 23).replace(".", ",");
}
