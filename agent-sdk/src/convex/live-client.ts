/** A connection that queries are subscribed over, through the proxy that stands between this machine and the deployment. */
import { ConvexClient } from "convex/browser";
import { proxyFor } from "../http-agents.ts";

const OPTIONS = { logger: false, skipConvexDeploymentUrlCheck: true } as const;

export async function openLiveClient(convexUrl: string): Promise<ConvexClient> {
  const proxy = proxyFor(convexUrl);
  if (proxy === undefined) return new ConvexClient(convexUrl, OPTIONS);
  return new ConvexClient(convexUrl, { ...OPTIONS, webSocketConstructor: await webSocketThrough(proxy) });
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
