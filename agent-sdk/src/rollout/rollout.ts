/**
 * Which rollout stage holds for an upload. The deployment says it with the agent's token; while the client is in use it
 * is asked every few seconds, however many uploads there are, and a client at rest asks nothing. What cannot be asked
 * stays as it was last known. A stage set on this machine wins, and then nobody is asked.
 *
 * Asking on a timer, not by a subscription: an open socket would keep a script that never calls `close()` from ending.
 */
import type { EntityType } from "../../../contract/asset.ts";
import { SECOND } from "../../../contract/limits.ts";
import { DEFAULT_STAGE, type RolloutStage, type Stages } from "../../../contract/rollout.ts";
import { api } from "../../../convex/_generated/api.js";
import { openCall, type Call } from "../call.ts";
import type { Config } from "../config.ts";
import type { AgentTokens } from "../convex/agent-token.ts";
import type { CallConvex } from "../convex/convex-caller.ts";
import type { Records } from "../convex/records.ts";
import { isReelsyncError } from "../errors.ts";
import type { Dependency, Events } from "../events.ts";
import type { Journal } from "../journal/journal.ts";
import type { BreakerState } from "../resilience/circuit-breaker.ts";

/** The flag an upload falls under. */
export interface Scope {
  stage: RolloutStage;
  /** Where it is the project's own. */
  project?: string;
}

export interface Entity {
  entityType: EntityType;
  entityId: string;
}

export interface RolloutOptions {
  config: Pick<Config, "rollout" | "mode">;
  tokens: AgentTokens;
  convex: CallConvex;
  breakers: Record<Dependency, { readonly state: BreakerState }>;
  journal: Pick<Journal, "state">;
  events: Events;
  now?: () => number;
}

export type Rollout = ReturnType<typeof createRollout>;

const ASK_EVERY_MS = 4 * SECOND;
/** Known for longer than this, an upload asks first: the client has been at rest. */
const FRESH_MS = 6 * SECOND;
const IN_USE_MS = 30 * SECOND;
/** An upload does not wait longer for this than for its own first answer. */
const ASK_TIMEOUT_MS = 1.5 * SECOND;
/** Scenes and sessions whose project is remembered. */
const MAX_REMEMBERED = 20_000;

export function createRollout(options: RolloutOptions) {
  const { config, tokens, convex, breakers, journal, events, now = () => performance.now() } = options;
  const { rollout: local, mode } = config;
  const projects = new Map<string, string>();
  const closing = new AbortController();
  let known: Stages | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let usedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  /** Set by an answer that will not change: a deployment that knows no stages yet. */
  let isUnknown = false;

  function learn({ stage, projects }: Stages, at = now()): void {
    const before = known;
    const stages = (known = { stage, projects });
    askedAt = at;
    if (before === undefined || JSON.stringify(before) === JSON.stringify(stages)) return;
    events.emit({ type: "rollout.changed", stage: stages.stage, projects: stages.projects });
  }

  /** False while asking would only add to an outage. */
  const reachable = () => breakers.convex.state.kind === "closed";

  function shortCall(): Call {
    // No time left for another attempt: the next question comes soon.
    return {
      ...openCall({ timeoutMs: ASK_TIMEOUT_MS, signal: closing.signal }),
      remainingMs: () => 0,
    };
  }

  async function ask(): Promise<void> {
    if (!reachable() || isUnknown || closing.signal.aborted) return;
    const call = shortCall();
    try {
      const [first, ...rest] = await convex("query", api.flags.get, {}, call);
      learn({
        stage: first?.stage ?? DEFAULT_STAGE,
        projects: rest.flatMap(({ project, stage }) => (project === undefined ? [] : [{ project, stage }])),
      });
    } catch (error) {
      isUnknown = isReelsyncError(error) && error.code === "CONVEX_FAILED";
    } finally {
      askedAt = now();
      call.dispose();
    }
  }

  function askOnce(): Promise<void> {
    return (asking ??= ask().finally(() => (asking = undefined)));
  }

  function keepAsking(): void {
    if (timer !== undefined || isUnknown || closing.signal.aborted) return;
    timer = setTimeout(() => {
      timer = undefined;
      // What waits there may be waiting for the stage to change.
      if (now() - usedAt > IN_USE_MS && journal.state().waiting === 0) return;
      void askOnce().then(keepAsking);
    }, ASK_EVERY_MS).unref();
  }

  /** The token brings the stages, usually before the first upload. */
  async function withToken(): Promise<void> {
    const limit = shortCall();
    const over = new Promise<void>((resolve) => {
      limit.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    const token = tokens.get().then(
      ({ rollout }) => rollout !== undefined && known === undefined && learn(rollout, rollout.at),
      // Told by whoever needs the token for something.
      () => undefined,
    );
    await Promise.race([token, over]).finally(limit.dispose);
  }

  async function projectOf({ entityType, entityId }: Entity): Promise<string | undefined> {
    const remembered = projects.get(entityId);
    if (remembered !== undefined || !reachable()) return remembered;
    const call = shortCall();
    try {
      const { project } = await convex("query", api.flags.projectOf, { entityType, entityId }, call);
      remember(entityId, project);
      return project;
    } catch {
      // Then it is unknown to its begin, too, which says so; or the deployment cannot be reached.
      return undefined;
    } finally {
      call.dispose();
    }
  }

  function remember(entityId: string, project: string): void {
    projects.set(entityId, project);
    const [oldest] = projects.keys();
    if (projects.size > MAX_REMEMBERED && oldest !== undefined) projects.delete(oldest);
  }

  /** A strict client has to answer with the outcome, so it holds nothing back for later. */
  function asCarriedOut(stage: RolloutStage): RolloutStage {
    return mode === "strict" && stage === "end-of-run" ? "on-write" : stage;
  }

  return {
    /** Never throws, and waits for an answer only when the last one is old. */
    async scopeOf(entity: Entity): Promise<Scope> {
      if (local !== undefined) return { stage: asCarriedOut(local) };
      usedAt = now();
      if (known === undefined) await withToken();
      if (known === undefined || now() - askedAt > FRESH_MS) await askOnce();
      keepAsking();
      const { stage, projects: own } = known ?? { stage: DEFAULT_STAGE, projects: [] };
      const project = own.length === 0 ? undefined : await projectOf(entity);
      const its = own.find((one) => one.project === project);
      return its === undefined
        ? { stage: asCarriedOut(stage) }
        : { stage: asCarriedOut(its.stage), project: its.project };
    },
    rememberSession: (sessionId: string, project: string) => remember(sessionId, project),
    rememberScene(sceneId: string, sessionId: string): void {
      const project = projects.get(sessionId);
      if (project !== undefined) remember(sceneId, project);
    },
    close(): void {
      clearTimeout(timer);
      closing.abort();
    },
  };
}

/** What a client has made itself, it need not ask about. */
export function rememberProjects(records: Records, rollout: Rollout): Records {
  return {
    ...records,
    async createSession(session, call) {
      const created = await records.createSession(session, call);
      rollout.rememberSession(created.sessionId, session.project);
      return created;
    },
    async upsertScene(scene, call) {
      const upserted = await records.upsertScene(scene, call);
      rollout.rememberScene(upserted.sceneId, scene.sessionId);
      return upserted;
    },
  };
}
