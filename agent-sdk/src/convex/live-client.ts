/** A connection that queries are subscribed over, through the proxy that stands between this machine and the deployment. */
import { ConvexClient } from "convex/browser";
import { proxyFor } from "../http-agents.ts";
import type { AgentTokens } from "./agent-token.ts";

const OPTIONS = { logger: false, skipConvexDeploymentUrlCheck: true } as const;

export async function openLiveClient(convexUrl: string): Promise<ConvexClient> {
  const proxy = proxyFor(convexUrl);
  if (proxy === undefined) return new ConvexClient(convexUrl, OPTIONS);
  return new ConvexClient(convexUrl, { ...OPTIONS, webSocketConstructor: await webSocketThrough(proxy) });
}

/** With the agent's token, and a fresh one when that is refused. `onFault` is told why there is none. */
export function signIn(
  client: ConvexClient,
  tokens: Pick<AgentTokens, "get" | "discard">,
  onFault: (error: unknown) => void,
): void {
  client.setAuth(async ({ forceRefreshToken }) => {
    try {
      const current = await tokens.get();
      if (!forceRefreshToken) return current.token;
      tokens.discard(current.token);
      return (await tokens.get()).token;
    } catch (error) {
      onFault(error);
      return null;
    }
  });
}

/** Always through a tunnel: few proxies pass an upgrade on. */
async function webSocketThrough(proxy: URL): Promise<typeof WebSocket> {
  const [{ WebSocket: NodeWebSocket }, { HttpsProxyAgent }] = await Promise.all([
    import("ws"),
    import("https-proxy-agent"),
  ]);
  const agent = new HttpsProxyAgent(proxy);
  class ProxiedWebSocket extends NodeWebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols, { agent });
    }
  }
  // The two differ in what they add to the standard, of which Convex uses nothing.
  return ProxiedWebSocket as unknown as typeof WebSocket;
}
