export { createReelsync, type Reelsync } from "./client.ts";
export type { CallOptions, CloseOptions, Core, SessionEnd } from "./core.ts";
export type { JournalOptions, LocalStorageOptions, Mode, ReelsyncOptions, S3Options } from "./config.ts";
export type { DeadLetterView } from "./dead-letters/dead-letters.ts";
export type { ReplayRequest } from "./dead-letters/replay.ts";
export type { Watch } from "./dead-letters/watch-replay-requests.ts";
export { isReelsyncError, ReelsyncError, StorageQuotaExceededError, type ParkedLetter } from "./errors.ts";
export type { Dependency, EventListener, ReelsyncEvent, Step } from "./events.ts";
export type { IngestRequest, NotStored } from "./ingest/ingest-from-url.ts";
export type { UploadedObject } from "./storage/upload-object.ts";
export type { CleanupOptions } from "./cleanup/cleanup.ts";
export type { CombinedSession, CombineOptions, CombineProgress } from "./media/combine-session.ts";
export type { LocalCopy, LocalCopyOptions, LocalResult } from "./media/local-copy.ts";
export type { Phase, Progress } from "./progress.ts";
export type { BreakerState } from "./resilience/circuit-breaker.ts";
export type { RetryPolicy } from "./resilience/retry.ts";
export type { DrainCounts } from "./journal/drainer.ts";
export type {
  PublishedUpload,
  QueuedUpload,
  SkippedUpload,
  UploadRequest,
  UploadResult,
} from "./upload-request.ts";
export type {
  FileListing,
  LoadedFile,
  PresignedUrl,
  PresignOptions,
  SavedFile,
  SaveOptions,
  StorageBackend,
  StorageCallOptions,
  StorageType,
  StoredFile,
  StoredFileDetails,
} from "./storage/storage-backend.ts";
export type { BackfilledFile, BackfillOptions, BackfillResult } from "./folders/backfill.ts";
export type { FolderPlan, PlannedFile, PlannedScene } from "./folders/plan-folder.ts";
export type { SessionChoice, SyncDirOptions, SyncDirResult } from "./folders/sync-dir.ts";
export type { SkippedFile, SkipReason } from "./folders/read-folder.ts";
export type { MirroredFile, UploadDirOptions, UploadDirResult } from "./folders/upload-dir.ts";
export { logTo, type Logger } from "./log/log-to.ts";
export { createMetrics, type Metrics } from "./metrics/metrics.ts";
export type { UploadStatus } from "./upload-status.ts";
export type { JournalState } from "./journal/journal.ts";
export type { FolderWatch, WatchedFile, WatchOptions, WatchSummary } from "./folders/watch.ts";
export {
  serveLocalFiles,
  type LocalFilesServer,
  type ServeLocalFilesOptions,
} from "./storage/serve-local-files.ts";
export type { ManifestOptions, Manifests } from "./manifest/manifest.ts";
export type { Manifest, ManifestAsset } from "../../contract/manifest.ts";
export type { EntityFile, SyncOptions, SyncResult } from "./sync-assets.ts";
export type { AssetType, EntityType, Metadata } from "../../contract/asset.ts";
export type { RolloutStage } from "../../contract/rollout.ts";
export type { CleanedKey, CleanupOutcome } from "../../contract/cleanup.ts";
export type { ErrorCode } from "../../contract/error-code.ts";
export type { SceneUpsert } from "../../contract/scene.ts";
export type { SessionCreate } from "../../contract/session.ts";
export type { SignedAssetUrl } from "../../contract/playback.ts";
