/**
 * A client for the tests of whoever uses the SDK: it is the real one, line by line, with both services in memory. What it
 * answers, retries, queues and parks is therefore what the real one would; nothing leaves the process but the journal's
 * and the dead letters' files, in a temporary folder that goes with `close()`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assembleReelsync, type Reelsync } from "../client.ts";
import { loadConfig, type Mode, type ReelsyncOptions } from "../config.ts";
import { objectUrl } from "../s3/object-url.ts";
import { ReelsyncError } from "../errors.ts";
import { createFaults, type Faults } from "./injected-faults.ts";
import { createMemoryBucket } from "./memory-bucket.ts";
import {
  createMemoryDeployment,
  type FakeAsset,
  type FakeScene,
  type FakeSession,
} from "./memory-deployment.ts";

/** A call of the client, by the name under which the code under test called it, e.g. `deadLetters.list`. */
export interface RecordedCall {
  method: string;
  args: readonly unknown[];
}

export interface FakeReelsync<M extends Mode = Mode> {
  /** Give it to the code under test. */
  readonly reelsync: Reelsync<M>;
  /** What was called on it, in order. */
  readonly calls: readonly RecordedCall[];
  readonly sessions: readonly Readonly<FakeSession>[];
  readonly scenes: readonly Readonly<FakeScene>[];
  /** Every version of every asset, in the order they were begun. */
  readonly assets: readonly Readonly<FakeAsset>[];
  /** The keys of the bucket, sorted. */
  readonly keys: readonly string[];
  /** The bytes under a key. */
  bytesOf: (s3Key: string) => Uint8Array;
  readonly faults: Faults;
}

/** Options that make sense without a network. */
export type FakeOptions = Pick<
  ReelsyncOptions,
  "mode" | "retry" | "timeoutMs" | "journal" | "agentName" | "ingestAllowHosts"
>;

const QUICK_RETRY = { attempts: 2, baseDelayMs: 1, maxDelayMs: 20 };
/** Long enough to be seen open, short enough to wait for. */
const PROBE_AFTER_MS = 20;

export function createFakeReelsync(options: FakeOptions & { mode: "strict" }): FakeReelsync<"strict">;
export function createFakeReelsync(options?: FakeOptions): FakeReelsync;
export function createFakeReelsync(options: FakeOptions = {}): FakeReelsync {
  const folder = mkdtempSync(join(tmpdir(), "reelsync-fake-"));
  const config = loadConfig({
    env: {},
    convexUrl: "http://deployment.invalid",
    agentToken: async () => "fake-token",
    agentName: "fake-agent",
    s3: {
      bucket: "fake-bucket",
      endpoint: "https://bucket.invalid",
      forcePathStyle: true,
      accessKeyId: "fake",
      secretAccessKey: "fake",
    },
    journalDir: join(folder, "journal"),
    deadLetterDir: join(folder, "dead-letters"),
    retry: QUICK_RETRY,
    ...options,
  });
  const { faults, exchange } = createFaults();
  const bucket = createMemoryBucket(config.s3, exchange);
  let onAnswer: () => void = () => undefined;
  const deployment = createMemoryDeployment({
    bucket: config.s3.bucket,
    exchange,
    onAnswer: () => onAnswer(),
    urlOf: (s3Key) => objectUrl(bucket.client, config.s3, s3Key),
    presignSeconds: config.s3.presignSeconds,
  });
  const real = assembleReelsync(config, (_config, _events, tell) => {
    onAnswer = tell;
    const token = { token: "fake-token", expiresAt: Number.POSITIVE_INFINITY, bucket: config.s3.bucket };
    return {
      tokens: { get: async () => token, discard: () => undefined },
      convex: deployment.convex,
      s3: bucket.client,
      probeAfterMs: PROBE_AFTER_MS,
      close: () => undefined,
    };
  });
  const calls: RecordedCall[] = [];
  const client: Reelsync = Object.assign(Object.create(real) as Reelsync, {
    deadLetters: {
      ...real.deadLetters,
      // Nobody asks for replays here.
      watch: () => ({ close: async () => undefined }),
    },
    async close(closing?: Parameters<Reelsync["close"]>[0]) {
      await real.close(closing);
      rmSync(folder, { recursive: true, force: true });
    },
  });
  return {
    reelsync: recorded(client, calls),
    calls,
    sessions: deployment.sessions,
    scenes: deployment.scenes,
    assets: deployment.assets,
    get keys() {
      return bucket.keys();
    },
    bytesOf(s3Key) {
      const bytes = bucket.bytesOf(s3Key);
      if (bytes === undefined) throw new ReelsyncError("NOT_FOUND", `Nothing is stored under "${s3Key}"`);
      return bytes;
    },
    faults,
  };
}

/** The same object, that notes every call of its functions and of the functions one level down. */
function recorded<T extends object>(target: T, calls: RecordedCall[], path = ""): T {
  return new Proxy(target, {
    get(_target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof property === "symbol") return value;
      const method = `${path}${property}`;
      if (typeof value === "function") {
        return (...args: unknown[]): unknown => {
          calls.push({ method, args });
          return Reflect.apply(value, target, args);
        };
      }
      const isApi = path === "" && (property === "deadLetters" || property === "storage");
      return isApi ? recorded(value as object, calls, `${property}.`) : value;
    },
  });
}
