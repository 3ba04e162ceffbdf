/**
 * The one place where React, Convex and media meet: the session's subscription goes into the reel, the reel's state
 * comes out. Contains wiring only; every rule is in the plain modules it connects.
 */
import { useQuery } from "convex/react";
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { api } from "../../../convex/_generated/api";
import type { Timeline } from "../../../contract/playback.ts";
import { useAssetUrls } from "../media/AssetUrls.tsx";
import { CaptionLoader } from "./caption-loader.ts";
import { PrefetchedChunks } from "./prefetched-chunks.ts";
import { prefetchOrder } from "./prefetch-order.ts";
import type { ReelVideoElement } from "./reel-video.ts";
import { ReelViewStore, type ReelView } from "./reel-view.ts";
import type { SceneUpdate } from "./scene-updates.ts";
import { keepMemory } from "./keep-memory.ts";

export interface LivePlayback {
  /** undefined: not known yet; null: no such session for this viewer. */
  timeline: Timeline | null | undefined;
  reel: ReelVideoElement | null;
  /** To be given to the `<reel-video>`. */
  attach: (reel: ReelVideoElement | null) => void;
  view: ReelView;
  /** Newest re-render by scene, as long as the page is open. */
  updates: ReadonlyMap<string, SceneUpdate>;
  /** The scene in which an earlier visit was taken up. */
  resumedIn: string | undefined;
}

export function useLivePlayback(sessionId: string): LivePlayback {
  const timeline = useQuery(api.playback.timeline, { sessionId });
  const urls = useAssetUrls();
  const [reel, attach] = useState<ReelVideoElement | null>(null);
  const [updates, setUpdates] = useState<ReadonlyMap<string, SceneUpdate>>(new Map());
  const [resumedIn, setResumedIn] = useState<string>();

  const viewStore = useMemo(() => new ReelViewStore(reel), [reel]);
  const view = useSyncExternalStore(viewStore.subscribe, viewStore.get);

  const onUpdate = useCallback((event: Event) => {
    const update = (event as CustomEvent<SceneUpdate>).detail;
    setUpdates((known) => new Map(known).set(update.sceneId, update));
  }, []);

  useEffect(() => {
    if (!reel) return;
    const stop = new AbortController();
    const chunks = new PrefetchedChunks(urls);
    chunks.onChange = viewStore.refresh;
    reel.connect(chunks);
    const captions = new CaptionLoader(urls, (cues) => reel.showCaptions(cues));
    const follow = (): void => {
      chunks.want(prefetchOrder(reel.plan, reel.currentSlot?.key));
      captions.show(reel.shownScenes);
    };
    reel.addEventListener("statechange", follow, { signal: stop.signal });
    reel.addEventListener("sceneupdate", onUpdate, { signal: stop.signal });
    // A connection that returns is the moment to try again what failed for want of one.
    window.addEventListener("online", () => reel.retry(), { signal: stop.signal });
    const forgetRenewals = urls.onRenewed((assetId) => reel.renewUrl(assetId));
    const stopMemory = keepMemory(reel, sessionId, setResumedIn);
    viewStore.refresh();
    return () => {
      stop.abort();
      stopMemory();
      forgetRenewals();
      reel.reset();
      chunks.dispose();
      viewStore.dispose();
    };
  }, [reel, urls, viewStore, sessionId, onUpdate]);

  useEffect(() => {
    if (reel && timeline) reel.show(timeline);
  }, [reel, timeline]);

  return { timeline, reel, attach, view, updates, resumedIn };
}
