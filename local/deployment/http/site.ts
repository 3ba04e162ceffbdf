/** HTTP actions, on the site origin and mounted under `/http` of the cloud origin. No CORS: that is the app's own business. */
import { Hono } from "hono";
import type { Authenticator } from "../auth/authenticator.ts";
import type { Engine } from "../engine.ts";
import { HTTP_ACTION_BODY_LIMIT, limitBody } from "./body.ts";
import { onError } from "./errors.ts";
import { requestCallerIfKnown } from "./request-caller.ts";

export function siteApp(engine: Engine, authenticator: Authenticator, siteUrl: string, mount = "") {
  return new Hono()
    .onError(onError)
    .use(limitBody(HTTP_ACTION_BODY_LIMIT))
    .all("*", async (c) => {
      const { pathname, search } = new URL(c.req.url);
      const hasBody = c.req.method !== "GET" && c.req.method !== "HEAD";
      const request = new Request(new URL(pathname.slice(mount.length) + search, siteUrl), {
        method: c.req.method,
        headers: c.req.raw.headers,
        ...(hasBody ? { body: await c.req.arrayBuffer() } : {}),
      });
      const caller = await requestCallerIfKnown(c.req.header("authorization"), authenticator);
      return engine.httpAction(request, caller);
    });
}
