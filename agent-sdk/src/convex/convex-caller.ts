/**
 * Calls to the deployment's functions: one HTTP request each, in parallel, with a timeout, the agent's token, and a
 * fresh token once when that one is refused. Broken connections and overload are repeated here; every mutation called
 * is idempotent, so repeating one whose reply was lost is safe.
 */
import { ConvexHttpClient } from "convex/browser";
import {
  getFunctionName,
  type FunctionArgs,
  type FunctionReference,
  type FunctionReturnType,
} from "convex/server";
import { SECOND } from "../../../contract/limits.ts";
import { openCall, type Call } from "../call.ts";
import { ReelsyncError } from "../errors.ts";
import type { Events } from "../events.ts";
import { reportRetries } from "../resilience/guard.ts";
import { retry, TRANSPORT_RETRY, type RetryPolicy } from "../resilience/retry.ts";
import type { AgentTokens } from "./agent-token.ts";
import { toConvexError, toHttpError } from "./convex-errors.ts";
import type { Post, Reply } from "./post.ts";

type Kind = "query" | "mutation" | "action";

export type CallConvex = <F extends FunctionReference<Kind>>(
  kind: F["_type"],
  reference: F,
  args: FunctionArgs<F>,
  call: Call,
) => Promise<FunctionReturnType<F>>;

/** Longer than any function of the deployment may run by itself; an action has more. */
const CALL_TIMEOUT_MS: Record<Kind, number> = {
  query: 20 * SECOND,
  mutation: 20 * SECOND,
  action: 60 * SECOND,
};

/** Convex answers a function's own failure with this status, and its body is a regular answer. */
const FUNCTION_FAILED = 560;

export interface ConvexCallerOptions {
  url: string;
  post: Post;
  tokens: AgentTokens;
  events: Events;
  /** How a single request is repeated. */
  transport?: RetryPolicy;
  /** Told of every answer: the deployment can be reached. */
  onAnswer: () => void;
}

export function createConvexCaller(options: ConvexCallerOptions): CallConvex {
  const { url, post, tokens, events, transport = TRANSPORT_RETRY, onAnswer } = options;
  const report = reportRetries("convex", events);

  async function request<F extends FunctionReference<Kind>>(
    kind: F["_type"],
    reference: F,
    args: FunctionArgs<F>,
    token: string,
    outer: Call,
  ): Promise<FunctionReturnType<F>> {
    const action = getFunctionName(reference);
    const timeoutMs = CALL_TIMEOUT_MS[kind];
    const call = openCall({ timeoutMs, signal: outer.signal });
    // A client is a URL, a token and this fetch; one per call, because a shared one knows no signal of its caller.
    const client = new ConvexHttpClient(url, {
      logger: false,
      skipConvexDeploymentUrlCheck: true,
      auth: token,
      fetch: async (address, init) => {
        const { headers, body } = init as { headers: Record<string, string>; body: string };
        const reply = await post(address as string, headers, body, call.signal);
        if (reply.status !== 200 && reply.status !== FUNCTION_FAILED) throw toHttpError(reply, action);
        return asResponse(reply);
      },
    });
    try {
      const answer = (await run(client, kind, reference, args)) as FunctionReturnType<F>;
      onAnswer();
      return answer;
    } catch (error) {
      if (call.signal.aborted && !outer.signal.aborted) {
        throw new ReelsyncError("CONVEX_UNAVAILABLE", `${action} did not answer within ${timeoutMs} ms`);
      }
      throw toConvexError(error, action, outer.signal);
    } finally {
      call.dispose();
    }
  }

  async function authorized<F extends FunctionReference<Kind>>(
    kind: F["_type"],
    reference: F,
    args: FunctionArgs<F>,
    call: Call,
  ): Promise<FunctionReturnType<F>> {
    const { token } = await tokens.get();
    try {
      return await request(kind, reference, args, token, call);
    } catch (error) {
      if (!refusedToken(error)) throw error;
      tokens.discard(token);
      return request(kind, reference, args, (await tokens.get()).token, call);
    }
  }

  return (kind, reference, args, call) =>
    retry(transport, () => authorized(kind, reference, args, call), {
      signal: call.signal,
      remainingMs: call.remainingMs,
      onRetry: report(call, getFunctionName(reference)),
      repeats: ({ code }) => code === "CONVEX_UNAVAILABLE",
    });
}

/** As much of a Response as the client looks at. */
function asResponse({ status, body }: Reply): Response {
  const seen = { ok: true, status, text: async () => body, json: async () => JSON.parse(body) as unknown };
  return seen as Response;
}

function run(
  client: ConvexHttpClient,
  kind: Kind,
  reference: FunctionReference<Kind>,
  args: Record<string, unknown>,
): Promise<unknown> {
  switch (kind) {
    case "query":
      return client.query(reference as FunctionReference<"query">, args);
    case "mutation":
      return client.mutation(reference as FunctionReference<"mutation">, args, { skipQueue: true });
    case "action":
      return client.action(reference as FunctionReference<"action">, args);
  }
}

function refusedToken(error: unknown): boolean {
  return (
    error instanceof ReelsyncError && (error.code === "TOKEN_EXPIRED" || error.code === "UNAUTHENTICATED")
  );
}
