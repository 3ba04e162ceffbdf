/** Where the committed test media lie. */
import { fileURLToPath } from "node:url";

export function clipPath(sceneKey: string, chunkIndex: number, take = 1): string {
  return fileURLToPath(new URL(`${sceneKey}-${chunkIndex}-take-${take}.mp4`, import.meta.url));
}

export function thumbnailPath(sceneKey: string): string {
  return fileURLToPath(new URL(`${sceneKey}.jpg`, import.meta.url));
}
