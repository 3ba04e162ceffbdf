/** One stored asset into a file. What arrives is what was recorded, byte for byte, or nothing is handed on. */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { Asset } from "../../../contract/asset.ts";
import type { Call } from "../call.ts";
import { isReelsyncError, ReelsyncError } from "../errors.ts";
import type { StorageBackend } from "../storage/storage-backend.ts";

/** What has to be known of an asset to fetch it. */
export type FetchedAsset = Pick<Asset, "assetId" | "s3Key" | "size" | "checksum" | "status">;

/** Where an asset's bytes come from. What can be seen to be wrong before a byte arrived is `damaged`. */
export type AssetSource<A extends FetchedAsset = FetchedAsset> = (
  asset: A,
  call: Call,
) => AsyncIterable<Buffer> | Promise<AsyncIterable<Buffer>>;

export async function fetchAsset<A extends FetchedAsset>(
  source: AssetSource<A>,
  asset: A,
  path: string,
  call: Call,
  onBytes: (bytes: number) => void,
): Promise<void> {
  if (asset.status !== "ready" && asset.status !== "superseded") {
    throw new ReelsyncError(
      "NOT_FOUND",
      `Asset ${asset.assetId} is ${asset.status}: it has no bytes to load`,
    );
  }
  const { signal } = call;
  const bytes = await source(asset, call);
  const hash = createHash("sha256");
  try {
    await pipeline(
      bytes,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          onBytes(chunk.length);
          yield chunk;
        }
      },
      createWriteStream(path, { flags: "wx", mode: 0o600 }),
      { signal },
    );
    if (hash.digest("hex") !== asset.checksum) throw damaged(asset, "has other content than was recorded");
  } catch (error) {
    await rm(path, { force: true });
    if (signal.aborted) throw signal.reason;
    throw error;
  }
}

export function fromStorage(storage: StorageBackend): AssetSource {
  return async (asset, call) => {
    const { signal } = call;
    const loaded = await storage
      .load(asset.s3Key, { signal, timeoutMs: Math.max(1, call.remainingMs()) })
      .catch((error: unknown) => {
        if (!isReelsyncError(error) || error.code !== "NOT_FOUND") throw error;
        throw damaged(asset, "has no object", error);
      });
    if (loaded.size === asset.size) return loaded.body;
    loaded.body.destroy();
    throw damaged(asset, `has ${loaded.size} bytes instead of ${asset.size}`);
  };
}

export function damaged({ assetId, s3Key }: FetchedAsset, what: string, cause?: unknown): ReelsyncError {
  return new ReelsyncError("ASSET_DAMAGED", `Asset ${assetId} (${s3Key}) ${what}`, { cause });
}
