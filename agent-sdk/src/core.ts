/** What every client offers, as types alone: the parts that are built over it import this, and not the client that holds them. */
import type { SignedAssetUrl } from "../../contract/playback.ts";
import type { SceneUpsert } from "../../contract/scene.ts";
import type { SessionCreate } from "../../contract/session.ts";
import type { Mode } from "./config.ts";
import type { DeadLetterView } from "./dead-letters/dead-letters.ts";
import type { ReplayRequest } from "./dead-letters/replay.ts";
import type { Watch } from "./dead-letters/watch-replay-requests.ts";
import type { Dependency, EventListener } from "./events.ts";
import type { DrainCounts } from "./journal/drainer.ts";
import type { JournalState } from "./journal/journal.ts";
import type { BreakerState } from "./resilience/circuit-breaker.ts";
import type { StorageAccess } from "./storage/storage-backend.ts";
import type { EntityFile, SyncOptions, SyncResult } from "./sync-assets.ts";
import type { PublishedUpload, UploadRequest, UploadResult } from "./upload-request.ts";
import type { UploadStatus } from "./upload-status.ts";

export interface CallOptions {
  signal?: AbortSignal;
  timeoutMs?: number;
}

export interface CloseOptions {
  /** How long uploads under way may go on. What is left then waits in the journal, or is parked in mode `strict`. */
  graceMs?: number;
}

/** The upload line and what belongs to it; everything else a client offers is built over this. */
export interface Core<M extends Mode = Mode> extends StorageAccess {
  /** Creates a session, or finds the one with this project and session key. */
  createSession: (
    session: SessionCreate,
    options?: CallOptions,
  ) => Promise<{ sessionId: string; created: boolean }>;
  /** Creates or changes the scene with this session and scene key. */
  upsertScene: (scene: SceneUpsert, options?: CallOptions) => Promise<{ sceneId: string; created: boolean }>;
  endSession: (end: SessionEnd, options?: CallOptions) => Promise<void>;
  /** Bytes into S3 and their record into Convex. Safe to call twice: the same content for the same place is one asset. */
  uploadWithConvexSync: (
    request: UploadRequest,
  ) => Promise<M extends "strict" ? PublishedUpload : UploadResult>;
  /** Sends what waits in the journal, that of processes that are gone included; says what came of it. Cancelled, it begins nothing more. */
  drain: (options?: Pick<CallOptions, "signal">) => Promise<DrainCounts>;
  /** Many uploads at once. One that fails is listed in `failed` and leaves the others alone; never throws for one. */
  batchSyncAssets: (uploads: readonly UploadRequest[], options?: SyncOptions) => Promise<SyncResult>;
  /** The same for the files of one scene. */
  syncSceneAssets: (
    sceneId: string,
    files: readonly EntityFile[],
    options?: SyncOptions,
  ) => Promise<SyncResult>;
  /** The same for the files of a session itself: combined video, subtitles, manifest. */
  syncSessionAssets: (
    sessionId: string,
    files: readonly EntityFile[],
    options?: SyncOptions,
  ) => Promise<SyncResult>;
  /** A fresh URL of a stored asset, as every player of the deployment gets it. */
  urlFor: (assetId: string, options?: CallOptions) => Promise<SignedAssetUrl>;
  readonly deadLetters: {
    list: (options?: CallOptions) => Promise<DeadLetterView[]>;
    /** Sends a dead letter through the line again; takes the id of its error, or Convex's. */
    replay: (id: string, request?: ReplayRequest) => Promise<PublishedUpload>;
    /** Replays what an admin asks for, until it is closed. */
    watch: () => Watch;
  };
  /** Where the upload with this id is now. */
  uploadStatus: (uploadId: string, options?: CallOptions) => Promise<UploadStatus>;
  /** What waits on this machine to be sent, now. */
  readonly journal: JournalState;
  /** The state of each circuit breaker, now. */
  readonly breakers: Readonly<Record<Dependency, BreakerState>>;
  /** Listens to everything that happens; returns the function that stops it. */
  on: (listener: EventListener) => () => void;
  /** Waits for what is under way, then lets go of sockets and timers. */
  close: (options?: CloseOptions) => Promise<void>;
}

export interface SessionEnd {
  sessionId: string;
  /** `ended` unless said otherwise. */
  outcome?: "ended" | "failed";
  errorMessage?: string;
}
