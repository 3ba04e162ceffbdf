/** What a service's own clock says, from its answer to a HEAD. */
import { PROXY_AUTHENTICATION_REQUIRED } from "../../http-agents.ts";
import { askService } from "./ask-service.ts";

/** Throws what kept the answer away. */
export async function dateOf(url: string, signal: AbortSignal): Promise<number> {
  return askService(url, { method: "HEAD", signal }, ({ statusCode, headers }) => {
    if (statusCode === PROXY_AUTHENTICATION_REQUIRED) throw new Error("the proxy wants a login");
    const told = Date.parse(headers.date ?? "");
    if (Number.isNaN(told)) throw new Error("the answer carries no date");
    return told;
  });
}
