/**
 * opossum, made to open after a number of failures in a row (by itself it only knows rates over a rolling window) and
 * to keep callers waiting for the probe instead of refusing them. Knows nothing of S3 or Convex.
 *
 *            5 failures in a row              reset time over
 *   closed ───────────────────────▶ open ─────────────────────▶ halfOpen ──▶ exactly one call goes through
 *      ▲                              ▲                             │
 *      │         probe answered       │        probe failed         │
 *      └──────────────────────────────┼─────────────────────────────┤
 *                                     └─────────────────────────────┘
 */
import { EventEmitter } from "node:events";
import Opossum from "opossum";
import { SECOND } from "../../../contract/limits.ts";
import { healthVerdict, ReelsyncError } from "../errors.ts";

export type BreakerState =
  | { kind: "closed"; failuresInARow: number }
  | { kind: "open"; openedAt: number; probeAt: number }
  | { kind: "halfOpen"; openedAt: number };

export interface CircuitBreakerOptions {
  /** Names the dependency in events and messages, e.g. `s3:my-bucket`. */
  name: string;
  failuresToOpen?: number;
  resetAfterMs?: number;
  onChange?: (to: BreakerState, from: BreakerState) => void;
}

export interface CircuitBreaker {
  readonly name: string;
  readonly state: BreakerState;
  /**
   * Runs one attempt. While the circuit is open the attempt waits for the next probe: it goes ahead when it is the
   * probe or the probe succeeds, and fails with CIRCUIT_OPEN when the probe fails. An attempt without patience fails at
   * once instead of waiting.
   */
  run<T>(attempt: () => Promise<T>, signal: AbortSignal, patient?: boolean): Promise<T>;
  close(): void;
}

export function circuitOpen({ name }: Pick<CircuitBreaker, "name">, cause?: unknown): ReelsyncError {
  return new ReelsyncError("CIRCUIT_OPEN", `${name} does not answer`, { cause });
}

export function createCircuitBreaker(options: CircuitBreakerOptions): CircuitBreaker {
  const { name, failuresToOpen = 5, resetAfterMs = 30 * SECOND, onChange } = options;
  let state: BreakerState = { kind: "closed", failuresInARow: 0 };
  let lastFailure: unknown;
  const told = new WeakSet<Error>();
  const transitions = new EventEmitter().setMaxListeners(0);

  const action = async (attempt: () => Promise<unknown>): Promise<unknown> => {
    try {
      const result = await attempt();
      clearFailures();
      return result;
    } catch (error) {
      if (healthVerdict(error) === "answered") clearFailures();
      throw error;
    }
  };

  const opossum: Opossum<[() => Promise<unknown>]> = new Opossum(action, {
    name,
    timeout: false,
    resetTimeout: resetAfterMs,
    // Its own rule is off: below this volume it only ever opens when a probe failed.
    volumeThreshold: Number.MAX_SAFE_INTEGER,
    rollingPercentilesEnabled: false,
    enableSnapshots: false,
    // No statistics are read, so the window need not turn, and no timer runs for it.
    rotateBucketController: new EventEmitter(),
    // True: not a failure. A probe that was cancelled proves nothing, so it may not close the circuit either.
    errorFilter: (error: unknown): boolean => {
      const verdict = healthVerdict(error);
      if (verdict === "failed" && !opossum.halfOpen) return isToldAgain(error);
      return verdict === "answered" || (verdict === "silent" && !opossum.halfOpen);
    },
  });

  /** A request that several calls shared (a batch, a token) failed once, however many of them tell of it. */
  function isToldAgain(error: unknown): boolean {
    const isAgain = told.has(error as Error);
    told.add(error as Error);
    return isAgain;
  }

  function clearFailures() {
    if (state.kind === "closed") state = { kind: "closed", failuresInARow: 0 };
  }

  function enter(to: BreakerState) {
    const from = state;
    state = to;
    transitions.emit("change", to);
    onChange?.(to, from);
  }

  opossum.on("failure", (error: unknown) => {
    lastFailure = error;
    if (state.kind !== "closed") return;
    state = { kind: "closed", failuresInARow: state.failuresInARow + 1 };
    if (state.failuresInARow >= failuresToOpen) opossum.open();
  });
  opossum.on("open", () => {
    const openedAt = Date.now();
    enter({ kind: "open", openedAt, probeAt: openedAt + resetAfterMs });
  });
  opossum.on("halfOpen", () => {
    enter({ kind: "halfOpen", openedAt: state.kind === "open" ? state.openedAt : Date.now() });
  });
  opossum.on("close", () => enter({ kind: "closed", failuresInARow: 0 }));

  async function run<T>(attempt: () => Promise<T>, signal: AbortSignal, patient = true): Promise<T> {
    // Nothing may be awaited between the question and the firing, or several calls would take the one probe's place.
    while (!opossum.closed && !opossum.pendingClose) {
      signal.throwIfAborted();
      if (!patient || (await nextChange(signal)).kind === "open") {
        throw circuitOpen({ name }, lastFailure);
      }
    }
    return opossum.fire(attempt) as Promise<T>;
  }

  function nextChange(signal: AbortSignal): Promise<BreakerState> {
    return new Promise((resolve, reject) => {
      const onChange = (to: BreakerState) => {
        signal.removeEventListener("abort", onAbort);
        resolve(to);
      };
      const onAbort = () => {
        transitions.removeListener("change", onChange);
        reject(signal.reason as Error);
      };
      transitions.once("change", onChange);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  return {
    name,
    get state() {
      return state;
    },
    run,
    close: () => opossum.shutdown(),
  };
}
