/**
 * Kept connections to one service, through the proxy that the process's environment names for it: HTTPS_PROXY,
 * HTTP_PROXY, ALL_PROXY and NO_PROXY, read as curl reads them. Services on this machine are reached without one.
 */
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { getProxyForUrl } from "proxy-from-env";
import { ReelsyncError } from "./errors.ts";

export interface AgentOptions {
  keepAlive: true;
  maxSockets?: number;
  /** How long an unused connection is kept. */
  timeout?: number;
}

export interface HttpAgents {
  httpAgent: HttpAgent;
  httpsAgent: HttpsAgent;
}

/** Ends the message of a request that was answered with HTTP 407. */
export const PROXY_WANTS_LOGIN = "the proxy wants a login: HTTPS_PROXY=http://user:password@host:port";

/** The proxy between this machine and the URL. */
export function proxyFor(url: string | URL): URL | undefined {
  const { hostname } = new URL(url);
  if (hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.")) return undefined;
  const proxy = getProxyForUrl(url);
  if (proxy === "") return undefined;
  if (URL.canParse(proxy) && /^https?:$/.test(new URL(proxy).protocol)) return new URL(proxy);
  throw new ReelsyncError(
    "CONFIG_INVALID",
    `The proxy for ${hostname} is no http(s) URL: correct HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, or name the host in NO_PROXY`,
  );
}

/** The agents for any URL. Whoever made it closes it. */
export interface KeptAgents {
  agentsFor: (url: string | URL) => HttpAgents | Promise<HttpAgents>;
  close: () => void;
}

export function keepAgents(options: AgentOptions = { keepAlive: true }): KeptAgents {
  const direct = directAgents(options);
  /** By the proxy's address. */
  const proxied = new Map<string, Promise<HttpAgents>>();
  return {
    agentsFor(url) {
      const proxy = proxyFor(url);
      if (proxy === undefined) return direct;
      const agents = proxied.get(proxy.href) ?? proxiedAgents(proxy, options);
      proxied.set(proxy.href, agents);
      return agents;
    },
    close() {
      for (const agents of [direct, ...proxied.values()]) {
        void Promise.resolve(agents).then(({ httpAgent, httpsAgent }) => {
          httpAgent.destroy();
          httpsAgent.destroy();
        });
      }
    },
  };
}

export function directAgents(options: AgentOptions): HttpAgents {
  return { httpAgent: new HttpAgent(options), httpsAgent: new HttpsAgent(options) };
}

/** Loaded only where there is a proxy. */
export async function proxiedAgents(proxy: URL, options: AgentOptions): Promise<HttpAgents> {
  const [{ HttpProxyAgent }, { HttpsProxyAgent }] = await Promise.all([
    import("http-proxy-agent"),
    import("https-proxy-agent"),
  ]);
  const httpAgent = new HttpProxyAgent(proxy, options);
  // By its type an agent of node:http only, although it is made for https.
  const httpsAgent = new HttpsProxyAgent(proxy, options) as HttpAgent as HttpsAgent;
  // Told explicitly: left to find out from the stack trace, they file a connection under one name and look for it under
  // another, so none is ever used twice and `maxSockets` counts nothing.
  Object.assign(httpAgent.options, options, { secureEndpoint: false });
  Object.assign(httpsAgent.options, options, { secureEndpoint: true });
  return { httpAgent, httpsAgent };
}
