/** What the client does with whole folders, put together over its calls for single files. */
import type { Config } from "../config.ts";
import type { CallConvex } from "../convex/convex-caller.ts";
import type { Core } from "../core.ts";
import type { Events } from "../events.ts";
import type { Guard } from "../resilience/guard.ts";
import { createManifests, type Manifests } from "../manifest/manifest.ts";
import { backfill, type BackfillOptions, type BackfillResult } from "./backfill.ts";
import { createSessionReader } from "./session-content.ts";
import { syncDir, type SyncDirOptions, type SyncDirResult, type SyncParts } from "./sync-dir.ts";
import { uploadDir, type UploadDirOptions, type UploadDirResult } from "./upload-dir.ts";
import { watchFolder, type FolderWatch, type Warn, type WatchOptions } from "./watch.ts";

export interface Folders extends Manifests {
  /** A folder's tree under a prefix of the bucket, bytes only, without records. What is there already is not sent again. */
  uploadDir: (localRoot: string, prefix: string, options?: UploadDirOptions) => Promise<UploadDirResult>;
  /**
   * A render's output folder as a session: sub-folders and names become scenes, files their assets. What is recorded with
   * this content already is not sent again. A file that fails is listed in `failed` and leaves the others alone.
   */
  syncDir: (dir: string, options: SyncDirOptions) => Promise<SyncDirResult>;
  /**
   * The same while the render runs: each file goes up when its writer has finished with it, until the watch is closed. Files
   * that are there already are taken in first; those recorded already cost no bytes.
   */
  watch: (outputDir: string, options: WatchOptions) => Promise<FolderWatch>;
  /** Records for objects that are in the bucket already, under an older layout; a plan unless `apply` is said. */
  backfill: (prefix: string, options: BackfillOptions) => Promise<BackfillResult>;
}

export interface FoldersParts {
  config: Pick<Config, "uploadOnWrite" | "s3" | "stages">;
  core: Core;
  convex: CallConvex;
  guard: Guard;
  during: SyncParts["during"];
  events: Pick<Events, "emit">;
  /** Runs what has to end before the client is closed. */
  open: <T>(work: () => Promise<T>) => Promise<T>;
}

export function createFolders(parts: FoldersParts): Folders {
  const { config, core, convex, guard, during, events, open } = parts;
  const publicUrls = config.s3.publicBaseUrl !== undefined;
  const readSession = createSessionReader(convex, guard);
  const sync: SyncParts = { core, readSession, during };
  const warn: Warn = (warning) => events.emit({ type: "warning", ...warning });
  return {
    ...createManifests({ config, core, convex, guard, readSession, during }),
    uploadDir: (localRoot, prefix, options) =>
      open(() => uploadDir({ storage: core.storage, publicUrls }, localRoot, prefix, options)),
    watch: (outputDir, options) =>
      open(() => watchFolder({ ...sync, warn }, outputDir, { onWrite: config.uploadOnWrite, ...options })),
    backfill: (prefix, options) =>
      open(() => backfill({ ...sync, core, stages: config.stages }, prefix, options)),
    syncDir: (dir, options) => open(() => syncDir(sync, dir, options)),
  };
}
