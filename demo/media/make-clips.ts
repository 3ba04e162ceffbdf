/** Makes the committed test media: what the demo plays on a machine without ffmpeg. Run: `npx tsx demo/media/make-clips.ts`. */
import { stat } from "node:fs/promises";
import { drawChunk, drawThumbnail } from "../ffmpeg.ts";
import { RERENDERED_SCENE_KEY, SCENES } from "../scenes.ts";
import { clipPath, thumbnailPath } from "./clips.ts";

let total = 0;
for (const [index, scene] of SCENES.entries()) {
  for (const chunkIndex of scene.chunkSeconds.keys()) {
    for (const take of scene.sceneKey === RERENDERED_SCENE_KEY ? [1, 2] : [1]) {
      const file = clipPath(scene.sceneKey, chunkIndex, take);
      await drawChunk({ scene, sceneNumber: index + 1, chunkIndex, take }, file);
      const { size } = await stat(file);
      total += size;
      console.log(`${file} ${size}`);
    }
  }
  await drawThumbnail(clipPath(scene.sceneKey, 0), thumbnailPath(scene.sceneKey));
}
console.log(`${total} bytes of video`);
