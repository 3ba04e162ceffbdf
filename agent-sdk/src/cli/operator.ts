/** Functions that only an operator may run, called the way `npx convex run` does: with the admin key, internal ones too. */
import { ConvexHttpClient } from "convex/browser";
import {
  getFunctionName,
  type FunctionArgs,
  type FunctionReference,
  type FunctionReturnType,
} from "convex/server";
import { SECOND } from "../../../contract/limits.ts";
import { openCall } from "../call.ts";
import { toConvexError, toHttpError } from "../convex/convex-errors.ts";
import { createPost } from "../convex/post.ts";
import { ReelsyncError } from "../errors.ts";
import type { Context } from "./context.ts";
import { operatorSettings } from "./settings.ts";

const REQUEST_TIMEOUT_MS = 30 * SECOND;
/** Convex answers a function's own failure with this status, and its body is a regular answer. */
const FUNCTION_FAILED = 560;

/** What the client's published types leave out. */
interface OperatorClient {
  setAdminAuth: (key: string) => void;
  function: (name: string, componentPath: undefined, args: Record<string, unknown>) => Promise<unknown>;
}

export async function runAsOperator<F extends FunctionReference<"query" | "mutation" | "action", "internal">>(
  context: Context,
  reference: F,
  args: FunctionArgs<F>,
): Promise<FunctionReturnType<F>> {
  const { url, adminKey } = operatorSettings(context.env);
  const action = getFunctionName(reference);
  const { post, close } = createPost();
  const call = openCall({ timeoutMs: context.timeoutMs ?? REQUEST_TIMEOUT_MS, signal: context.signal });
  const client = new ConvexHttpClient(url, {
    logger: false,
    skipConvexDeploymentUrlCheck: true,
    fetch: async (address, init) => {
      const { headers, body } = init as { headers: Record<string, string>; body: string };
      const reply = await post(address as string, headers, body, call.signal);
      if (reply.status === 401 || reply.status === 403) {
        throw new ReelsyncError("FORBIDDEN", "The deployment does not accept this admin or deploy key", {
          hint: "Set CONVEX_SELF_HOSTED_ADMIN_KEY or CONVEX_DEPLOY_KEY to the key of the deployment that the URL names.",
        });
      }
      if (reply.status !== 200 && reply.status !== FUNCTION_FAILED) throw toHttpError(reply, action);
      return new Response(reply.body, { status: reply.status });
    },
  }) as unknown as OperatorClient;
  client.setAdminAuth(adminKey);
  try {
    return await client.function(action, undefined, args);
  } catch (error) {
    throw toConvexError(error, action, call.signal);
  } finally {
    call.dispose();
    close();
  }
}
