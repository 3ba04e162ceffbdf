/**
 * GET of an address that somebody else chose. What may be reached is decided where the socket is opened, by the address
 * the name was resolved to for that very socket, so a name that resolves differently the second time gains nothing.
 * Redirects are followed by hand, and every hop is judged like the first. No proxy is used: behind one, the address is
 * not seen here.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { RequestFilteringHttpAgent, RequestFilteringHttpsAgent } from "request-filtering-agent";
import { SECOND } from "../../../contract/limits.ts";
import { isReelsyncError, ReelsyncError, retryAfterMs } from "../errors.ts";

const MAX_REDIRECTS = 5;
/** Connecting, the answer's head and any pause within its body. */
const IDLE_MS = 30 * SECOND;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export interface ProviderRequestOptions {
  /** Host names, or `host:port`, that may be reached although their address is not a public one. */
  allowHosts: readonly string[];
  idleMs?: number;
  /** Resolves names; the operating system unless given. */
  lookup?: LookupFunction;
}

export type ProviderRequest = (
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<IncomingMessage>;

/** Answers with a 2xx whose body is still to be read. */
export function createProviderRequest({
  allowHosts,
  idleMs = IDLE_MS,
  lookup,
}: ProviderRequestOptions): ProviderRequest {
  const open = { "http:": new HttpAgent(), "https:": new HttpsAgent() };
  const filtered = { "http:": new RequestFilteringHttpAgent(), "https:": new RequestFilteringHttpsAgent() };
  const allowed = new Set(allowHosts.map((host) => host.toLowerCase()));

  function hop(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal) {
    const { protocol } = url;
    if (protocol !== "http:" && protocol !== "https:") {
      throw new ReelsyncError("URL_FORBIDDEN", `${shown(url)} is no http(s) URL`);
    }
    const agents = allowed.has(url.hostname) || allowed.has(url.host) ? open : filtered;
    return new Promise<IncomingMessage>((resolve, reject) => {
      const send = protocol === "https:" ? httpsRequest : httpRequest;
      const outgoing = send(
        url,
        {
          agent: agents[protocol],
          // A compressed answer would be stored compressed, under a content type that says otherwise.
          headers: { ...headers, Accept: "*/*", "Accept-Encoding": "identity" },
          signal,
          timeout: idleMs,
          ...(lookup !== undefined && { lookup }),
        },
        resolve,
      );
      outgoing.once("timeout", () =>
        outgoing.destroy(new ReelsyncError("URL_UNREACHABLE", `${shown(url)} was silent for ${idleMs} ms`)),
      );
      outgoing.on("error", (error) => reject(toProviderError(error, url, signal)));
      outgoing.end();
    });
  }

  return async (address, headers, signal) => {
    let url = parse(address);
    for (let redirects = 0; ; redirects++) {
      const answer = await hop(url, headers, signal);
      const { statusCode: status = 0 } = answer;
      if (status >= 200 && status < 300) return answer;
      answer.destroy();
      const { location } = answer.headers;
      if (!REDIRECTS.has(status) || location === undefined) throw refused(url, status, answer);
      if (redirects === MAX_REDIRECTS) {
        throw new ReelsyncError("URL_REFUSED", `${shown(url)} redirects more than ${MAX_REDIRECTS} times`);
      }
      url = parse(location, url);
    }
  };
}

/** Without what may be a secret: user, password, query and fragment. */
export function shown(url: URL | string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

function parse(address: string, base?: URL): URL {
  if (!URL.canParse(address, base?.href)) {
    throw new ReelsyncError(
      base === undefined ? "INVALID_ARGUMENT" : "URL_REFUSED",
      base === undefined ? "url is not a URL" : `${shown(base)} redirects to something that is no URL`,
    );
  }
  return new URL(address, base?.href);
}

function refused(url: URL, status: number, answer: IncomingMessage): ReelsyncError {
  const passes = status >= 500 || status === 429 || status === 408 || status === 425;
  return new ReelsyncError(
    passes ? "URL_UNREACHABLE" : "URL_REFUSED",
    `${shown(url)} answers HTTP ${status}`,
    {
      retryAfterMs: retryAfterMs(answer.headers["retry-after"]),
    },
  );
}

/** Whatever Node reports of a connection has a code; the filter's refusal is the one error that has none. */
export function toProviderError(error: unknown, url: URL | string, signal: AbortSignal): ReelsyncError {
  if (isReelsyncError(error)) return error;
  if (signal.aborted && isReelsyncError(signal.reason)) return signal.reason;
  const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
  return code === undefined
    ? new ReelsyncError("URL_FORBIDDEN", `${shown(url)} is at an address that is not public`, {
        cause: error,
      })
    : new ReelsyncError("URL_UNREACHABLE", `${shown(url)} was not reached (${code})`, { cause: error });
}
