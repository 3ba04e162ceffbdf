/** A subscription as a promise: results are handed on as the deployment pushes them, until one is enough. */
import type { ConvexClient } from "convex/browser";
import {
  getFunctionName,
  type FunctionArgs,
  type FunctionReference,
  type FunctionReturnType,
} from "convex/server";
import type { AgentTokens } from "../convex/agent-token.ts";
import { toConvexError } from "../convex/convex-errors.ts";
import { openLiveClient, signIn } from "../convex/live-client.ts";
import { codedError, ReelsyncError } from "../errors.ts";
import type { Context } from "./context.ts";

export interface Following<F extends FunctionReference<"query">> {
  convexUrl: string;
  tokens: AgentTokens;
  context: Context;
  reference: F;
  args: FunctionArgs<F>;
  enough: (result: FunctionReturnType<F>) => boolean;
}

export async function follow<F extends FunctionReference<"query">>(
  following: Following<F>,
): Promise<FunctionReturnType<F>> {
  const { convexUrl, tokens, context, reference, args, enough } = following;
  const client = await openLiveClient(convexUrl);
  const quiet = tellOfOutages(client, context);
  try {
    return await new Promise<FunctionReturnType<F>>((resolve, reject) => {
      const stop = () => reject(new ReelsyncError("ABORTED", "No longer followed"));
      if (context.signal.aborted) stop();
      context.signal.addEventListener("abort", stop, { once: true });
      signIn(client, tokens, (error) => reject(codedError(error)));
      client.onUpdate(
        reference,
        args,
        (result) => {
          try {
            if (enough(result)) resolve(result);
          } catch (error) {
            reject(codedError(error));
          }
        },
        (error) => reject(toConvexError(error, getFunctionName(reference), context.signal)),
      );
    });
  } finally {
    quiet();
    await client.close();
  }
}

/** The client reconnects by itself; a person should know why nothing moves. */
function tellOfOutages(client: ConvexClient, { output }: Context): () => void {
  let lost = false;
  return client.subscribeToConnectionState(({ isWebSocketConnected, hasEverConnected }) => {
    if (!hasEverConnected || lost === !isWebSocketConnected) return;
    lost = !isWebSocketConnected;
    output.say(lost ? "connection lost, reconnecting" : "connected again");
  });
}
