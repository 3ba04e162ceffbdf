/**
 * The agent's short-lived token: exchanged for the agent key, shared by all calls, renewed before it expires. The key
 * itself goes nowhere else.
 */
import * as z from "zod";
import { rolloutStageSchema } from "../../../contract/agent-report.ts";
import { MINUTE, SECOND } from "../../../contract/limits.ts";
import type { Stages } from "../../../contract/rollout.ts";
import type { Config } from "../config.ts";
import { isReelsyncError, ReelsyncError } from "../errors.ts";
import { openDeadline } from "../resilience/deadline.ts";
import { toConvexError, toHttpError } from "./convex-errors.ts";
import type { Post } from "./post.ts";

export interface AgentToken {
  token: string;
  /** Milliseconds since the epoch; a token minted elsewhere does not say. */
  expiresAt: number;
  /** The bucket the deployment records objects of; a token minted elsewhere does not say. */
  bucket?: string;
  /** The tenant the agent works for; a token minted elsewhere does not say. */
  tenantId?: string;
  /** The rollout stages, as they were when it was fetched (by `performance.now()`). */
  rollout?: Stages & { at: number };
}

export interface AgentTokens {
  get: () => Promise<AgentToken>;
  /** Forgets a token the deployment refused, unless a newer one is there already. */
  discard: (refused: string) => void;
}

const answerSchema = z.object({
  token: z.string().min(1),
  expiresAt: z.number(),
  bucket: z.string().optional(),
  tenantId: z.string().optional(),
  // A stage of a newer deployment is none this client knows how to carry out.
  rollout: z
    .object({
      stage: rolloutStageSchema,
      projects: z.array(z.object({ project: z.string(), stage: rolloutStageSchema })),
    })
    .optional()
    .catch(undefined),
});

/** Renewed this long before the end, so that no call carries a token that expires on its way. */
const RENEW_BEFORE_MS = 2 * MINUTE;
const EXCHANGE_TIMEOUT_MS = 15 * SECOND;

export function createAgentTokens(auth: Config["auth"], post: Post): AgentTokens {
  let current: AgentToken | undefined;
  let pending: Promise<AgentToken> | undefined;

  async function fetchToken(): Promise<AgentToken> {
    if (auth.kind === "key") return exchangeKey(auth, post);
    return { token: await auth.fetchToken(), expiresAt: Number.POSITIVE_INFINITY };
  }

  return {
    async get() {
      if (current !== undefined && Date.now() < current.expiresAt - RENEW_BEFORE_MS) return current;
      // One exchange however many calls wait for it; not tied to the deadline of whichever came first.
      pending ??= fetchToken().finally(() => (pending = undefined));
      current = await pending;
      return current;
    },
    discard(refused) {
      if (current?.token === refused) current = undefined;
    },
  };
}

/** For what a token only tells of: undefined while the deployment cannot be asked, which the steps that need one wait out. */
export async function tokenIfAnswered(tokens: Pick<AgentTokens, "get">): Promise<AgentToken | undefined> {
  try {
    return await tokens.get();
  } catch (error) {
    if (isReelsyncError(error) && error.retryable) return undefined;
    throw error;
  }
}

async function exchangeKey(
  { key, tokenUrl }: { key: string; tokenUrl: string },
  post: Post,
): Promise<AgentToken> {
  const action = "Fetching an agent token";
  const deadline = openDeadline({
    timeoutMs: EXCHANGE_TIMEOUT_MS,
    expired: () =>
      new ReelsyncError("CONVEX_UNAVAILABLE", `${action} took longer than ${EXCHANGE_TIMEOUT_MS} ms`),
  });
  try {
    const reply = await post(tokenUrl, { Authorization: `Bearer ${key}` }, "", deadline.signal);
    if (reply.status === 404) {
      throw new ReelsyncError(
        "CONFIG_INVALID",
        `${tokenUrl} answers 404: CONVEX_SITE_URL does not point to the HTTP actions of a deployment that runs Reelsync`,
      );
    }
    if (reply.status !== 200) throw toHttpError(reply, action);
    const { bucket, tenantId, rollout, ...answer } = answerSchema.parse(JSON.parse(reply.body));
    return {
      ...answer,
      ...(bucket !== undefined && { bucket }),
      ...(tenantId !== undefined && { tenantId }),
      ...(rollout !== undefined && { rollout: { ...rollout, at: performance.now() } }),
    };
  } catch (error) {
    if (error instanceof Error && error.name === "ZodError") {
      throw new ReelsyncError("CONVEX_FAILED", `${action} was answered with something else`, {
        cause: error,
      });
    }
    throw toConvexError(error, action, deadline.signal);
  } finally {
    deadline.dispose();
  }
}
