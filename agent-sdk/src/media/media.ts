/** What a client offers for work on stored media. */
import type { Asset } from "../../../contract/asset.ts";
import { openCall, type Call } from "../call.ts";
import type { Mode } from "../config.ts";
import type { StorageBackend } from "../storage/storage-backend.ts";
import { combineSession, type CombineOptions, type SessionCombiner } from "./combine-session.ts";
import { fromStorage, type AssetSource } from "./fetch-asset.ts";
import { withLocalCopy, type LocalCopies, type LocalCopyParts } from "./local-copy.ts";
import { createSignedDownloads, type SignedDownloadParts } from "./signed-download.ts";

export type Media<M extends Mode = Mode> = LocalCopies<M> & SessionCombiner<M>;

export interface MediaParts extends Omit<LocalCopyParts, "source">, SignedDownloadParts {
  storage: StorageBackend;
  timeoutMs: number;
}

export function createMedia(options: MediaParts) {
  const { storage } = options;
  const elsewhere = createSignedDownloads(options);
  const own = fromStorage(storage);
  const source: AssetSource<Asset> = (asset, call) =>
    (asset.storageBackend === storage.type ? own : elsewhere.source)(asset, call);
  const parts: LocalCopyParts = { ...options, source };

  async function during<T>(
    limits: { signal?: AbortSignal; timeoutMs?: number } | undefined,
    work: (call: Call) => Promise<T>,
  ): Promise<T> {
    const { signal, timeoutMs = options.timeoutMs } = limits ?? {};
    const call = openCall({ timeoutMs, signal });
    return work(call).finally(call.dispose);
  }

  return {
    withLocalCopy: (
      of: Parameters<LocalCopies["withLocalCopy"]>[0],
      fn: Parameters<LocalCopies["withLocalCopy"]>[1],
      copyOptions: Parameters<LocalCopies["withLocalCopy"]>[2],
    ) => during(copyOptions, (call) => withLocalCopy(parts, of, fn, copyOptions?.onProgress, call)),
    combineSession: (sessionId: string, combineOptions: CombineOptions = {}) =>
      during(combineOptions, (call) => combineSession(parts, sessionId, combineOptions, call)),
    close: elsewhere.close,
  };
}
