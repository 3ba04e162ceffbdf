/** What a service's own clock says, from its answer to a HEAD, asked the way that requests to it go: by the proxy too. */
import { keepAgents, PROXY_AUTHENTICATION_REQUIRED } from "../../http-agents.ts";

/** Throws what kept the answer away. */
export async function dateOf(url: string, signal: AbortSignal): Promise<number> {
  const { ask, close } = keepAgents();
  try {
    const { statusCode, headers } = (await ask(url, { method: "HEAD", signal })).resume();
    if (statusCode === PROXY_AUTHENTICATION_REQUIRED) throw new Error("the proxy wants a login");
    const told = Date.parse(headers.date ?? "");
    if (Number.isNaN(told)) throw new Error("the answer carries no date");
    return told;
  } finally {
    close();
  }
}
