/**
 * Many uploads through the one line, so many at a time that their begins and commits travel together. One that fails
 * is told in its place and leaves the others alone. Uploads for the same place go one after another in the order given,
 * so the last one given is the newest version.
 */
import { openCall } from "./call.ts";
import { codedError, ReelsyncError } from "./errors.ts";
import { NO_LIMIT_MS } from "./resilience/deadline.ts";
import type { UploadRequest, UploadResult } from "./upload-request.ts";

/** An upload whose entity is said once for all of them. */
export type EntityFile = Omit<UploadRequest, "entity">;

export interface SyncOptions {
  signal?: AbortSignal;
  /** Longest time for all of them together; each has its own `timeoutMs` beside it. */
  timeoutMs?: number;
}

export interface SyncResult {
  /** In the order given. */
  successful: (UploadResult & { index: number })[];
  failed: { index: number; request: UploadRequest; error: ReelsyncError }[];
}

/** Enough for a full batch of begins, one of commits, and every connection to the store busy between them. */
const UNDER_WAY = 256;

export function createSync(upload: (request: UploadRequest) => Promise<UploadResult>) {
  let waiting = 0;

  async function batchSyncAssets(
    uploads: readonly UploadRequest[],
    { signal, timeoutMs = NO_LIMIT_MS }: SyncOptions = {},
  ): Promise<SyncResult> {
    const lanes = lanesOf(listed(uploads));
    const call = openCall({ timeoutMs, signal });
    const result: SyncResult = { successful: [], failed: [] };
    waiting += uploads.length;

    async function one(index: number, request: UploadRequest): Promise<void> {
      waiting -= 1;
      try {
        call.signal.throwIfAborted();
        const own = request.signal;
        const either = own === undefined ? call.signal : AbortSignal.any([call.signal, own]);
        result.successful.push({ index, ...(await upload({ ...request, signal: either })) });
      } catch (error) {
        result.failed.push({ index, request, error: codedError(error) });
      }
    }

    async function work(): Promise<void> {
      for (let lane = lanes.next(); !lane.done; lane = lanes.next()) {
        for (const [index, request] of lane.value) await one(index, request);
      }
    }

    try {
      await Promise.all(Array.from({ length: Math.min(UNDER_WAY, uploads.length) }, work));
    } finally {
      call.dispose();
    }
    result.successful.sort((a, b) => a.index - b.index);
    result.failed.sort((a, b) => a.index - b.index);
    return result;
  }

  return {
    batchSyncAssets,
    syncEntityAssets: async (
      entity: UploadRequest["entity"],
      files: readonly EntityFile[],
      options?: SyncOptions,
    ): Promise<SyncResult> =>
      batchSyncAssets(
        listed(files).map((file) => ({ ...file, entity })),
        options,
      ),
    /** Uploads accepted by a call and not begun yet. */
    waiting: () => waiting,
  };
}

/** Callers in plain JavaScript pass anything. */
function listed<Item>(items: readonly Item[]): readonly Item[] {
  const given: unknown = items;
  if (!Array.isArray(given) || !given.every((item) => typeof item === "object" && item !== null)) {
    throw new ReelsyncError("INVALID_ARGUMENT", "What to sync is not an array of uploads");
  }
  return items;
}

type Lane = [number, UploadRequest][];

/** One lane for each place an upload can be for; lanes start in the order of their first upload. */
function lanesOf(uploads: readonly UploadRequest[]): ArrayIterator<Lane> {
  const lanes = new Map<string, Lane>();
  for (const [index, request] of uploads.entries()) {
    const { entity, assetType, chunkIndex = 0 } = request;
    const place = JSON.stringify([entity, assetType, chunkIndex]);
    const lane = lanes.get(place);
    if (lane === undefined) lanes.set(place, [[index, request]]);
    else lane.push([index, request]);
  }
  return lanes.values();
}
