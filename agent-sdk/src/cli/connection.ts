/** A deployment's functions, called as an agent or as a person, with the SDK's own retries and coded errors. */
import type { FunctionArgs, FunctionReference, FunctionReturnType } from "convex/server";
import { SECOND } from "../../../contract/limits.ts";
import { openCall } from "../call.ts";
import { createAgentTokens, type AgentTokens } from "../convex/agent-token.ts";
import { createConvexCaller } from "../convex/convex-caller.ts";
import { createPost } from "../convex/post.ts";
import { isReelsyncError, ReelsyncError } from "../errors.ts";
import { createEvents } from "../events.ts";
import type { Context } from "./context.ts";
import { follow } from "./follow.ts";
import { agentSettings, hasAgentKey, ownSettings, personSettings } from "./settings.ts";

/** Somebody is waiting at a terminal: long enough for a restart of the deployment, no longer. */
const REQUEST_TIMEOUT_MS = 30 * SECOND;

type Kind = "query" | "mutation" | "action";

export interface Connection {
  readonly as: "agent" | "person";
  run: <F extends FunctionReference<Kind>>(
    kind: F["_type"],
    reference: F,
    args: FunctionArgs<F>,
  ) => Promise<FunctionReturnType<F>>;
  /** Subscribes to a query until `enough` says so of one of its results, which is returned. */
  follow: <F extends FunctionReference<"query">>(
    reference: F,
    args: FunctionArgs<F>,
    enough: (result: FunctionReturnType<F>) => boolean,
  ) => Promise<FunctionReturnType<F>>;
  close: () => void;
}

/** The agent when there is an agent key, else the person whose token is set. */
export function connect(context: Context): Connection {
  if (hasAgentKey(context.env)) return connectAsAgent(context);
  if (ownSettings(context.env).token !== undefined) return connectAsPerson(context);
  throw new ReelsyncError("UNAUTHENTICATED", "Neither REELSYNC_AGENT_KEY nor REELSYNC_TOKEN is set", {
    hint: "Set REELSYNC_AGENT_KEY to an agent key, or REELSYNC_TOKEN to an OIDC id token of yours.",
  });
}

export function connectAsAgent(context: Context): Connection {
  const { auth, convexUrl } = agentSettings(context.env);
  const { post, close } = createPost();
  return open(context, "agent", convexUrl, { post, close }, createAgentTokens(auth, post));
}

export function connectAsPerson(context: Context): Connection {
  const { convexUrl, token } = personSettings(context.env);
  const held: AgentTokens = {
    get: async () => ({ token, expiresAt: Number.POSITIVE_INFINITY }),
    discard: () => undefined,
  };
  return open(context, "person", convexUrl, createPost(), held);
}

function open(
  context: Context,
  as: Connection["as"],
  convexUrl: string,
  { post, close }: ReturnType<typeof createPost>,
  tokens: AgentTokens,
): Connection {
  const events = createEvents();
  events.on((event) => {
    if (event.type !== "retry") return;
    context.output.say(`${event.operation}: ${event.code}, trying again (attempt ${event.attempt + 1})`);
  });
  const convex = createConvexCaller({ url: convexUrl, post, tokens, events, onAnswer: () => undefined });
  const timeoutMs = context.timeoutMs ?? REQUEST_TIMEOUT_MS;

  const asCaller = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw as === "person" ? ofPerson(error) : error;
    }
  };
  return {
    as,
    run: (kind, reference, args) =>
      asCaller(async () => {
        const call = openCall({ timeoutMs, signal: context.signal });
        return convex(kind, reference, args, call).finally(call.dispose);
      }),
    follow: (reference, args, enough) =>
      asCaller(() => follow({ convexUrl, tokens, context, reference, args, enough })),
    close,
  };
}

/** A person's token cannot be renewed from here. */
function ofPerson(error: unknown): unknown {
  if (!isReelsyncError(error) || error.code !== "TOKEN_EXPIRED") return error;
  return new ReelsyncError(
    "UNAUTHENTICATED",
    "REELSYNC_TOKEN was refused: it has expired, or is of an issuer the deployment does not know",
    {
      cause: error,
      requestId: error.requestId,
      hint: "Set REELSYNC_TOKEN to a fresh id token of an issuer that the deployment trusts.",
    },
  );
}

interface Page<T> {
  page: T[];
  isDone: boolean;
  continueCursor: string;
}

const PAGE_SIZE = 100;

/** Every row of a paginated list, a page at a time. */
export async function* pages<T>(
  fetchPage: (paginationOpts: { cursor: string | null; numItems: number }) => Promise<Page<T>>,
  numItems = PAGE_SIZE,
): AsyncGenerator<T> {
  for (let cursor: string | null = null; ;) {
    const { page, isDone, continueCursor }: Page<T> = await fetchPage({ cursor, numItems });
    yield* page;
    if (isDone) return;
    cursor = continueCursor;
  }
}
