/** `createReelsync`: reads the configuration and puts the parts together. */
import type * as z from "zod";
import type { SignedAssetUrl } from "../../contract/playback.ts";
import { sceneUpsertSchema, type SceneUpsert } from "../../contract/scene.ts";
import { sessionCreateSchema, type SessionCreate } from "../../contract/session.ts";
import { PREFERRED_PART_BYTES } from "../../contract/limits.ts";
import { endAfter, openCall, type Call } from "./call.ts";
import { loadConfig, type Config, type Mode, type ReelsyncOptions } from "./config.ts";
import { createHealthReports } from "./convex/health-report.ts";
import { createRecords } from "./convex/records.ts";
import { createDeadLetterSpool } from "./dead-letters/dead-letter-spool.ts";
import { createDeadLetters, type DeadLetterView } from "./dead-letters/dead-letters.ts";
import { createReplay, watchReplayRequests, type Watch } from "./dead-letters/replay.ts";
import { ReelsyncError } from "./errors.ts";
import { createEvents, type Dependency, type EventListener, type Events } from "./events.ts";
import {
  createCircuitBreaker,
  type BreakerState,
  type CircuitBreaker,
} from "./resilience/circuit-breaker.ts";
import { createGuard } from "./resilience/guard.ts";
import { createFolders, type Folders } from "./folders/folders.ts";
import { createIngest, type Ingest } from "./ingest/ingest-from-url.ts";
import { createMedia, type Media } from "./media/media.ts";
import { createMediaRecords } from "./media/media-records.ts";
import { connectServices, type Connect, type Services } from "./services.ts";
import { createTransferSlots } from "./s3/transfer-slots.ts";
import { createDrainer, type DrainCounts } from "./journal/drainer.ts";
import { createJournal, type JournalState } from "./journal/journal.ts";
import { resend } from "./journal/resend.ts";
import { openStorage } from "./storage/open-storage.ts";
import type { StorageAccess } from "./storage/storage-backend.ts";
import { createRunEnd, maySend } from "./rollout/held-uploads.ts";
import { createOutcomes } from "./rollout/outcomes.ts";
import { createRollout, rememberProjects } from "./rollout/rollout.ts";
import { createSync, type EntityFile, type SyncOptions, type SyncResult } from "./sync-assets.ts";
import type { PublishedUpload, UploadRequest, UploadResult } from "./upload-request.ts";
import type { UploadLine } from "./upload-line.ts";
import { createUploadStatus, type UploadStatus } from "./upload-status.ts";
import { uploadWithConvexSync } from "./upload-with-convex-sync.ts";

export interface CallOptions {
  signal?: AbortSignal;
  timeoutMs?: number;
}

export interface CloseOptions {
  /** How long uploads under way may go on. What is left then waits in the journal, or is parked in mode `strict`. */
  graceMs?: number;
}

export interface Reelsync<M extends Mode = Mode> extends Ingest<M>, StorageAccess, Folders, Media<M> {
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
  /** Sends what waits in the journal, that of processes that are gone included; says what came of it. */
  drain: () => Promise<DrainCounts>;
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
    replay: (id: string) => Promise<PublishedUpload>;
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

/** Four parts of the usual size: more in flight gain less than a tenth (measured). */
const MEMORY_FOR_TRANSFERS = 4 * PREFERRED_PART_BYTES;

export function createReelsync(options: ReelsyncOptions & { mode: "strict" }): Reelsync<"strict">;
export function createReelsync(options?: ReelsyncOptions): Reelsync;
export function createReelsync(options?: ReelsyncOptions): Reelsync {
  return assembleReelsync(loadConfig(options), connectServices);
}

/** Puts the parts together around the services. */
export function assembleReelsync(config: Config, connect: Connect): Reelsync {
  const events = createEvents();
  const services = connect(config, events, () => letters.deliverWaiting());
  const slots = createTransferSlots({ requests: config.s3.maxConcurrency, bytes: MEMORY_FOR_TRANSFERS });
  const breakers = {
    s3: createBreaker("s3", config.s3.bucket, events, services),
    convex: createBreaker("convex", new URL(config.convexUrl).host, events, services),
  };
  const guard = (dependency: Dependency) =>
    createGuard(dependency, breakers[dependency], config.retry, events);
  const { tokens, convex, s3 } = services;
  const journal = createJournal(config.journalDir, config.journal, events);
  const outcomes = createOutcomes();
  const rollout = createRollout({ config, tokens, convex, breakers, journal, events });
  const records = rememberProjects(createRecords(convex, guard("convex")), rollout);
  const { objects, storage } = openStorage(config, { client: s3, slots, guard: guard("s3"), events });
  const spool = createDeadLetterSpool(config.deadLetterDir);
  const letters = createDeadLetters({ config, records, breaker: breakers.convex, spool, events });
  const drainer = createDrainer({
    journal,
    maySend: (entry) => maySend(rollout, entry),
    send: (entry, comesBack, signal) => resend(line, entry, comesBack, signal),
    life: config.journal,
    policy: config.retry,
    events,
    warn: letters.warn,
  });
  const calls = new Set<Call>();
  const line: UploadLine = {
    tokens,
    records,
    objects,
    slots,
    letters,
    journal,
    drainer,
    mode: config.mode,
    rollout,
    outcomes,
    calls,
    events,
    multipartThreshold: config.s3.multipartThreshold,
    timeoutMs: config.timeoutMs,
  };
  const replay = createReplay({ line, records, letters, events, timeoutMs: config.timeoutMs });
  const uploadStatus = createUploadStatus({ line, records, letters });
  const sync = createSync((request) => uploadWithConvexSync(line, request));
  const ingest = createIngest({
    config,
    tokens,
    events,
    upload: (asked) => uploadWithConvexSync(line, asked),
  });
  const media = createMedia({
    records: createMediaRecords(convex, guard("convex")),
    storage,
    upload: (asked) => uploadWithConvexSync(line, asked),
    timeoutMs: config.timeoutMs,
  });
  const health = createHealthReports({
    agent: letters.agent,
    convex,
    breakers,
    events,
    waiting: sync.waiting,
    journal: () => journal.state(),
    outcomes,
    localStage: config.rollout,
  });
  const runEnd = createRunEnd(rollout, journal, drainer);
  const watches = new Set<Watch>();
  const running = new Set<Promise<unknown>>();
  let closed = false;
  letters.deliverWaiting();

  /** What is under way when the client is closed may end first. */
  async function open<T>(work: () => Promise<T>): Promise<T> {
    if (closed) throw new ReelsyncError("INVALID_ARGUMENT", "This client is closed: create another");
    const result = work();
    running.add(result);
    return result.finally(() => running.delete(result));
  }

  async function during<T>(
    callOptions: CallOptions | undefined,
    work: (call: Call) => Promise<T>,
  ): Promise<T> {
    const call = openCall({ timeoutMs: config.timeoutMs, ...callOptions });
    return open(() => work(call)).finally(call.dispose);
  }

  const core: Omit<Reelsync, keyof Folders> = {
    createSession: (session, callOptions) =>
      during(callOptions, (call) => records.createSession(parsed(sessionCreateSchema, session), call)),
    upsertScene: (scene, callOptions) =>
      during(callOptions, (call) => records.upsertScene(parsed(sceneUpsertSchema, scene), call)),
    endSession: ({ outcome = "ended", ...end }, callOptions) =>
      during(callOptions, async (call) => {
        await runEnd.reached(call.signal);
        await records.endSession({ ...end, outcome }, call);
      }),
    uploadWithConvexSync: (request) => open(() => uploadWithConvexSync(line, request)),
    drain: () => open(drainer.drain),
    batchSyncAssets: (uploads, syncOptions) => open(() => sync.batchSyncAssets(uploads, syncOptions)),
    syncSceneAssets: (id, files, syncOptions) =>
      open(() => sync.syncEntityAssets({ type: "scene", id }, files, syncOptions)),
    syncSessionAssets: (id, files, syncOptions) =>
      open(() => sync.syncEntityAssets({ type: "session", id }, files, syncOptions)),
    withLocalCopy: (of, fn, copyOptions) => open(() => media.withLocalCopy(of, fn, copyOptions)),
    combineSession: (id, combineOptions) => open(() => media.combineSession(id, combineOptions)),
    ingestFromUrl: (url, request) => open(() => ingest(url, request)),
    urlFor: (assetId, callOptions) => during(callOptions, (call) => records.url(assetId, call)),
    deadLetters: {
      list: (callOptions) => during(callOptions, letters.list),
      replay: (id) => open(() => replay(id)),
      watch() {
        const watch = watchReplayRequests({ convexUrl: config.convexUrl, tokens, letters, replay });
        watches.add(watch);
        return watch;
      },
    },
    storage,
    uploadStatus: (id, callOptions) => during(callOptions, (call) => uploadStatus(id, call)),
    get journal() {
      return journal.state();
    },
    get breakers() {
      return { s3: breakers.s3.state, convex: breakers.convex.state };
    },
    on: events.on,
    async close({ graceMs } = {}) {
      closed = true;
      const grace = endAfter(graceMs, calls);
      const over = graceMs === undefined ? undefined : AbortSignal.timeout(graceMs);
      await runEnd.reached(over, Promise.allSettled(running));
      outcomes.close();
      await drainer.close();
      await Promise.all([...watches].map((watch) => watch.close()));
      await Promise.allSettled(running);
      clearTimeout(grace);
      await journal.close();
      await letters.idle();
      rollout.close();
      await health.close();
      objects.close();
      services.close();
      breakers.s3.close();
      breakers.convex.close();
    },
  };
  return Object.assign(core, createFolders({ core, convex, guard: guard("convex"), during, open }));
}

function createBreaker(
  dependency: Dependency,
  of: string,
  events: Events,
  { probeAfterMs }: Services,
): CircuitBreaker {
  const name = `${dependency}:${of}`;
  return createCircuitBreaker({
    name,
    ...(probeAfterMs !== undefined && { resetAfterMs: probeAfterMs }),
    onChange: (to, from) => events.emit({ type: "breaker.changed", dependency, name, to, from }),
  });
}

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new ReelsyncError("INVALID_ARGUMENT", faults.join("; "));
}
