/** Where the player gets media from. The engine knows this port only; it never sees a signature or an expiry. */
import type { TimelineAsset } from "../../../contract/playback.ts";

export interface OpenChunk {
  url: string;
  /** The media element has let go of the URL. */
  close(): void;
}

export interface ChunkSource {
  open(asset: TimelineAsset): Promise<OpenChunk>;
  /** What was opened for this asset did not play: forget it, so that the next `open` starts afresh. */
  invalidate(assetId: string): void;
  /** The whole asset is on this machine, nothing can interrupt it any more. */
  isLocal(assetId: string): boolean;
}

/** Why media does not play, in words for a viewer. */
export class MediaFailure extends Error {
  readonly code: MediaFailureCode;

  constructor(code: MediaFailureCode, options?: ErrorOptions) {
    super(MEDIA_FAILURES[code], options);
    this.name = "MediaFailure";
    this.code = code;
  }
}

const MEDIA_FAILURES = {
  URL_UNAVAILABLE: "The server gave no link to this scene's video.",
  STORAGE_UNREACHABLE: "The video storage cannot be reached from this device.",
  ACCESS_REFUSED: "The video storage refused access to this scene.",
  OBJECT_MISSING: "This scene's video is missing in the storage.",
  FORMAT_UNSUPPORTED: "This browser cannot play this scene's video format.",
} as const;

export type MediaFailureCode = keyof typeof MEDIA_FAILURES;

/** A media element only says "no". Asking for the first byte tells which of the reasons it was. */
export async function diagnose(url: string, cause: unknown): Promise<MediaFailure> {
  try {
    const response = await fetch(url, { headers: { range: "bytes=0-0" }, cache: "no-store" });
    await response.body?.cancel();
    if (response.status === 403 || response.status === 401)
      return new MediaFailure("ACCESS_REFUSED", { cause });
    if (response.status === 404) return new MediaFailure("OBJECT_MISSING", { cause });
    if (!response.ok) return new MediaFailure("STORAGE_UNREACHABLE", { cause });
    return new MediaFailure("FORMAT_UNSUPPORTED", { cause });
  } catch {
    return new MediaFailure("STORAGE_UNREACHABLE", { cause });
  }
}
