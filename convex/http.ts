/** HTTP on the site origin: agents trade their key for a short-lived token. */
import { httpRouter } from "convex/server";
import { ConvexError } from "convex/values";
import type { Refusal } from "../contract/error-code.ts";
import { internal } from "./_generated/api";
import { env } from "./_generated/server";
import { httpAction } from "./functions.ts";
import { hashAgentKey } from "./model/agentKey.ts";
import { signAgentToken } from "./model/agentToken.ts";
import { refusal } from "./model/refusal.ts";
import { bucketForAgents } from "./model/storageEnv.ts";

const http = httpRouter();

/** Stands in for an unknown key, whose token is signed and thrown away: the answer takes as long as a known key's. */
const NOBODY = { keyId: "nobody", tenantId: "nobody", agentName: "nobody" };

http.route({
  path: "/agent/token",
  method: "POST",
  handler: httpAction(async (ctx, request) => {
    try {
      const hash = await hashAgentKey(bearerOf(request));
      const known = await ctx.runMutation(internal.agentKeys.use, { hash });
      const signed = await signAgentToken(known ?? NOBODY, Date.now());
      if (known === null) {
        return answer(401, refusal("AGENT_KEY_INVALID", "This agent key is unknown or was revoked."));
      }
      const region = env.AWS_REGION;
      const bucket = bucketForAgents();
      return answer(200, {
        ...signed,
        tenantId: known.tenantId,
        agentName: known.agentName,
        rollout: known.rollout,
        ...(bucket === undefined ? {} : { bucket }),
        ...(region === undefined ? {} : { region }),
      });
    } catch (fault) {
      if (fault instanceof ConvexError) return answer(503, fault.data as Refusal);
      throw fault;
    }
  }),
});

function bearerOf(request: Request): string {
  return /^Bearer (\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? "";
}

function answer(status: number, body: object): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });
}

export default http;
