/** `createReelsync`: reads the configuration and puts the parts together. */
import type * as z from "zod";
import { sceneUpsertSchema } from "../../contract/scene.ts";
import { sessionCreateSchema } from "../../contract/session.ts";
import { PREFERRED_PART_BYTES } from "../../contract/limits.ts";
import { toldToCaller } from "./callers-error.ts";
import { checkArguments } from "./check-arguments.ts";
import { endAfter, openCall, type Call } from "./call.ts";
import { loadConfig, type Config, type Mode, type ReelsyncOptions } from "./config.ts";
import { createHealthReports } from "./convex/health-report.ts";
import type { CallOptions, Core } from "./core.ts";
import { createRecords } from "./convex/records.ts";
import { createDeadLetterSpool } from "./dead-letters/dead-letter-spool.ts";
import { createDeadLetters } from "./dead-letters/dead-letters.ts";
import { createReplay } from "./dead-letters/replay.ts";
import { watchReplayRequests, type Watch } from "./dead-letters/watch-replay-requests.ts";
import { ReelsyncError } from "./errors.ts";
import { createEvents, type Dependency, type Events } from "./events.ts";
import { createCircuitBreaker, type CircuitBreaker } from "./resilience/circuit-breaker.ts";
import { createGuard } from "./resilience/guard.ts";
import { createFolders, type Folders } from "./folders/folders.ts";
import { cleanUp, type Cleanup } from "./cleanup/cleanup.ts";
import { createIngest, type Ingest } from "./ingest/ingest-from-url.ts";
import { createMedia, type Media } from "./media/media.ts";
import { createMediaRecords } from "./media/media-records.ts";
import { connectServices, type Connect, type Services } from "./services.ts";
import { createTransferSlots } from "./s3/transfer-slots.ts";
import { createDrainer } from "./journal/drainer.ts";
import { createJournal } from "./journal/journal.ts";
import { resend } from "./journal/resend.ts";
import { checkedStorage } from "./storage/checked-storage.ts";
import { createObjectUploads, type ObjectUploads } from "./storage/upload-object.ts";
import { openStorage } from "./storage/open-storage.ts";
import { createRunEnd, maySend } from "./rollout/held-uploads.ts";
import { createOutcomes } from "./rollout/outcomes.ts";
import { createRollout, rememberProjects } from "./rollout/rollout.ts";
import { createSync } from "./sync-assets.ts";
import type { UploadLine } from "./upload-line.ts";
import { uploadStatus } from "./upload-status.ts";
import { uploadWithConvexSync } from "./upload-with-convex-sync.ts";

/** Everything a client can do. */
export interface Reelsync<M extends Mode = Mode>
  extends Core<M>, Ingest<M>, Folders, Media<M>, Cleanup, ObjectUploads {}

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
    textOf: letters.textOf,
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
    timeoutMs: config.timeoutMs,
  };
  const { replay, replayRequested } = createReplay({
    line,
    records,
    letters,
    events,
    timeoutMs: config.timeoutMs,
  });
  const statusOf = (uploadId: string, call: Call) =>
    uploadStatus(uploadId, {
      waiting: (id) => journal.waiting().find((entry) => entry.uploadId === id)?.record,
      isUnderWay: (id) => [...calls].some((one) => one.uploadId === id),
      queuedElsewhere: journal.queuedElsewhere,
      rowOf: (id) => records.rowOf(id, call),
      letterOf: (id) => letters.find(id, call),
    });
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
    urlFor: (assetId, call) => records.url(assetId, call),
    policy: config.retry,
    events,
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

  /** What is under way when the client is closed may end first. Here all errors get their code. */
  async function open<T>(work: () => Promise<T>): Promise<T> {
    if (closed) throw new ReelsyncError("INVALID_ARGUMENT", "This client is closed: create another");
    const result = (async () => work())();
    running.add(result);
    try {
      return await result;
    } catch (error) {
      throw toldToCaller(error);
    } finally {
      running.delete(result);
    }
  }

  async function during<T>(
    callOptions: CallOptions | undefined,
    work: (call: Call) => Promise<T>,
  ): Promise<T> {
    return open(async () => {
      const call = openCall({ timeoutMs: config.timeoutMs, ...callOptions });
      return work(call).finally(call.dispose);
    });
  }

  const core: Omit<Reelsync, keyof (Folders & ObjectUploads)> = {
    createSession: (session, callOptions) =>
      during(callOptions, (call) => records.createSession(parsed(sessionCreateSchema, session), call)),
    upsertScene: (scene, callOptions) =>
      during(callOptions, (call) => records.upsertScene(parsed(sceneUpsertSchema, scene), call)),
    endSession: (session, callOptions) =>
      during(callOptions, async (call) => {
        const { outcome = "ended", ...end } = session;
        await runEnd.reached(call.signal);
        await records.endSession({ ...end, outcome }, call);
      }),
    uploadWithConvexSync: (request) => open(() => uploadWithConvexSync(line, request)),
    drain: ({ signal } = {}) => open(() => drainer.drain(signal)),
    batchSyncAssets: (uploads, syncOptions) => open(() => sync.batchSyncAssets(uploads, syncOptions)),
    syncSceneAssets: (id, files, syncOptions) =>
      open(() => sync.syncEntityAssets({ type: "scene", id }, files, syncOptions)),
    syncSessionAssets: (id, files, syncOptions) =>
      open(() => sync.syncEntityAssets({ type: "session", id }, files, syncOptions)),
    withLocalCopy: (of, fn, copyOptions) => open(() => media.withLocalCopy(of, fn, copyOptions)),
    combineSession: (id, combineOptions) => open(() => media.combineSession(id, combineOptions)),
    cleanupWithConvexSync: (keys, { dryRun = false, ...callOptions } = {}) =>
      during(callOptions, (call) => cleanUp({ convex, guard: guard("convex") }, keys, dryRun, call)),
    ingestFromUrl: (url, request) => open(() => ingest(url, request)),
    urlFor: (assetId, callOptions) => during(callOptions, (call) => records.url(assetId, call)),
    deadLetters: {
      list: (callOptions) => during(callOptions, letters.list),
      replay: (id, request) => open(() => replay(id, request)),
      watch() {
        const { convexUrl, retry: policy } = config;
        const watch = watchReplayRequests({ convexUrl, tokens, letters, replayRequested, policy });
        watches.add(watch);
        return watch;
      },
    },
    storage: checkedStorage(storage),
    uploadStatus: (id, callOptions) => during(callOptions, (call) => statusOf(id, call)),
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
      const watchesClosed = Promise.allSettled([...watches].map((watch) => watch.close()));
      await runEnd.reached(over, Promise.allSettled(running));
      outcomes.close();
      await drainer.close();
      await watchesClosed;
      await Promise.allSettled(running);
      clearTimeout(grace);
      await journal.close();
      await letters.idle();
      rollout.close();
      await health.close();
      objects.close();
      media.close();
      services.close();
      breakers.s3.close();
      breakers.convex.close();
    },
  };
  const folders = createFolders({ config, core, convex, guard: guard("convex"), during, events, open });
  return checkArguments(Object.assign(core, folders, createObjectUploads(storage, open)));
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
