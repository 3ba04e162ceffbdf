/** An asset as a file on this machine, for ffmpeg or anything else that wants a path; what comes of it is uploaded. */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Asset } from "../../../contract/asset.ts";
import { readableName } from "../../../contract/object-key.ts";
import { byCaller } from "../callers-error.ts";
import type { Call } from "../call.ts";
import type { Mode } from "../config.ts";
import { openTemporaryFile, withTemporaryFolder } from "../file/temporary-file.ts";
import { createProgressMeter, type Progress } from "../progress.ts";
import type { LineRequest, PublishedUpload, UploadRequest, UploadResult } from "../upload-request.ts";
import { fetchAsset, type AssetSource } from "./fetch-asset.ts";
import type { MediaRecords } from "./media-records.ts";

export interface LocalCopy {
  /** The verified file, named as it was uploaded. */
  path: string;
  /** Empty, for results. It is gone when the call ends, as the file is. */
  folder: string;
  asset: Asset;
  /** Aborts when the call is cancelled or its time is up. */
  signal: AbortSignal;
}

/** A file to upload: a path, relative to the folder for results. Belongs to the asset's own scene or session unless said otherwise. */
export type LocalResult = Omit<UploadRequest, "file" | "entity" | "signal" | "timeoutMs"> & {
  file: string;
  entity?: UploadRequest["entity"];
};

export interface LocalCopyOptions {
  signal?: AbortSignal;
  /** Longest time for all of it: download, work and uploads. */
  timeoutMs?: number;
  /** Of the download; uploads have their own in what `fn` returns. */
  onProgress?: (progress: Progress) => void;
}

export interface LocalCopies<M extends Mode = Mode> {
  /**
   * Downloads an asset (itself, its id or its key) to a temporary folder, checks its size and hash, and hands it to `fn`.
   * The files `fn` returns are uploaded, in their order. The folder is removed however it ends.
   */
  withLocalCopy: (
    asset: string | Pick<Asset, "assetId">,
    // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- a function that returns nothing is the usual case
    fn: (copy: LocalCopy) => Promise<readonly LocalResult[] | void>,
    options?: LocalCopyOptions,
  ) => Promise<(M extends "strict" ? PublishedUpload : UploadResult)[]>;
}

export interface LocalCopyParts {
  records: MediaRecords;
  source: AssetSource<Asset>;
  upload: (request: LineRequest) => Promise<UploadResult>;
}

export async function withLocalCopy(
  { records, source, upload }: LocalCopyParts,
  of: Parameters<LocalCopies["withLocalCopy"]>[0],
  fn: Parameters<LocalCopies["withLocalCopy"]>[1],
  onProgress: LocalCopyOptions["onProgress"],
  call: Call,
): Promise<UploadResult[]> {
  const asset = await records.find(typeof of === "string" ? of : of.assetId, call);
  return withTemporaryFolder("copy", async (root) => {
    const path = join(root, "asset", readableName(asset.fileName));
    const folder = join(root, "results");
    await Promise.all([mkdir(join(root, "asset")), mkdir(folder)]);

    const meter = createProgressMeter(onProgress, () => call.retries + 1);
    meter.phase("downloading", asset.size);
    await fetchAsset(source, asset, path, call, meter.advance);
    const results = (await byCaller(() => fn({ path, folder, asset, signal: call.signal }))) ?? [];
    call.signal.throwIfAborted();

    const uploaded: UploadResult[] = [];
    for (const { file, entity, ...rest } of results) {
      uploaded.push(
        await upload({
          fileName: file.split(/[/\\]/).pop() ?? file,
          ...rest,
          file: () => openTemporaryFile(resolve(folder, file)),
          entity: entity ?? { type: asset.entityType, id: asset.entityId },
          signal: call.signal,
          timeoutMs: Math.max(1, call.remainingMs()),
        }),
      );
    }
    return uploaded;
  });
}
