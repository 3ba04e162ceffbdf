/**
 * Kept connections to one service, through the proxy that the process's environment names for it: HTTPS_PROXY,
 * HTTP_PROXY, ALL_PROXY and NO_PROXY, read as curl reads them. Services on this machine are reached without one.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
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

export const PROXY_AUTHENTICATION_REQUIRED = 407;
/** Ends the message of a request that was answered with it. */
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

export interface Question {
  method: string;
  headers?: Record<string, string>;
  body?: string;
  signal: AbortSignal;
  /** Longest silence of the connection: while it opens, before the answer's head, and within its body. */
  idleMs?: number;
}

/** Connections to any URL. Whoever made them closes them. */
export interface KeptAgents {
  /** Resolves with the answer's head, whatever its status; its body is the caller's to read or to destroy. */
  ask: (url: string, question: Question) => Promise<IncomingMessage>;
  close: () => void;
}

export function keepAgents(options: AgentOptions = { keepAlive: true }): KeptAgents {
  const direct = directAgents(options);
  /** By the proxy's address. */
  const proxied = new Map<string, Promise<HttpAgents>>();

  function agentsFor(url: string): HttpAgents | Promise<HttpAgents> {
    const proxy = proxyFor(url);
    if (proxy === undefined) return direct;
    const agents = proxied.get(proxy.href) ?? proxiedAgents(proxy, options);
    proxied.set(proxy.href, agents);
    return agents;
  }

  return {
    async ask(url, { body, idleMs, ...question }) {
      const { httpAgent, httpsAgent } = await agentsFor(url);
      const asked = { ...question, ...(idleMs !== undefined && { timeout: idleMs }) };
      return new Promise((resolve, reject) => {
        const secure = new URL(url).protocol === "https:";
        const outgoing = secure
          ? httpsRequest(url, { ...asked, agent: httpsAgent }, resolve)
          : httpRequest(url, { ...asked, agent: httpAgent }, resolve);
        outgoing.once("timeout", () => outgoing.destroy(new Error(`silent for ${idleMs} ms`)));
        outgoing.on("error", reject);
        outgoing.end(body);
      });
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
