/** What a service's own clock says, from its answer to a HEAD, asked the way that requests to it go: by the proxy too. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { keepAgents } from "../../http-agents.ts";

const PROXY_AUTHENTICATION_REQUIRED = 407;

/** Throws what kept the answer away. */
export async function dateOf(url: string, signal: AbortSignal): Promise<number> {
  const target = new URL(url);
  const { agentsFor, close } = keepAgents();
  try {
    const { httpAgent, httpsAgent } = await agentsFor(url);
    const { statusCode, headers } = await new Promise<IncomingMessage>((resolve, reject) => {
      const secure = target.protocol === "https:";
      const options = { method: "HEAD", agent: secure ? httpsAgent : httpAgent, signal };
      const outgoing = secure ? httpsRequest(target, options) : httpRequest(target, options);
      outgoing.once("response", (answer) => resolve(answer.resume())).once("error", reject);
      outgoing.end();
    });
    if (statusCode === PROXY_AUTHENTICATION_REQUIRED) throw new Error("the proxy wants a login");
    const told = Date.parse(headers.date ?? "");
    if (Number.isNaN(told)) throw new Error("the answer carries no date");
    return told;
  } finally {
    close();
  }
}
