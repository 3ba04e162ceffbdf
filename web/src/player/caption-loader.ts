/** Fetches and parses the captions of scenes, each file once. Says when there is more to show. */
import type { TimelineScene } from "../../../contract/playback.ts";
import { parseCaptions, type CaptionCue } from "./caption-cues.ts";
import type { SignedUrls } from "./signed-urls.ts";

export class CaptionLoader {
  readonly #urls: SignedUrls;
  readonly #onChange: (cuesByScene: Map<string, readonly CaptionCue[]>) => void;
  readonly #files = new Map<string, readonly CaptionCue[]>();
  readonly #asked = new Set<string>();
  #wanted = new Map<string, string>();

  constructor(urls: SignedUrls, onChange: (cuesByScene: Map<string, readonly CaptionCue[]>) => void) {
    this.#urls = urls;
    this.#onChange = onChange;
  }

  show(scenes: readonly TimelineScene[]): void {
    this.#wanted = new Map(
      scenes.flatMap((scene) => (scene.subtitle ? [[scene.sceneId, scene.subtitle.assetId]] : [])),
    );
    for (const assetId of this.#wanted.values()) {
      if (this.#asked.has(assetId)) continue;
      this.#asked.add(assetId);
      void this.#load(assetId);
    }
    this.#publish();
  }

  async #load(assetId: string): Promise<void> {
    try {
      const response = await fetch(await this.#urls.get(assetId));
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      this.#files.set(assetId, await parseCaptions(await response.text()));
      this.#publish();
    } catch {
      // A scene without captions still plays; the next change of the timeline tries again.
      this.#urls.invalidate(assetId);
      this.#asked.delete(assetId);
    }
  }

  #publish(): void {
    const cues = new Map<string, readonly CaptionCue[]>();
    for (const [sceneId, assetId] of this.#wanted) {
      const file = this.#files.get(assetId);
      if (file) cues.set(sceneId, file);
    }
    this.#onChange(cues);
  }
}
