/** The cloud origin: every route of the deployment but the WebSocket. */
import { Hono } from "hono";
import { cors } from "hono/cors";
import type { Authenticator } from "../auth/authenticator.ts";
import type { Engine } from "../engine.ts";
import { FUNCTION_BODY_LIMIT, limitBody } from "./body.ts";
import { deployRoutes, type DeploymentUrls } from "./deploy-routes.ts";
import { onError } from "./errors.ts";
import { type CallerVariables, functionRoutes } from "./function-routes.ts";
import { requestCaller } from "./request-caller.ts";
import { siteApp } from "./site.ts";
import { unsupportedRoutes } from "./unsupported-routes.ts";

const DAY_SECONDS = 24 * 60 * 60;

/** The version of the client package whose protocol this deployment was written for. */
const VERSION = "1.48.0";
const INSTANCE_NAME = "local";

export function cloudApp(engine: Engine, authenticator: Authenticator, urls: DeploymentUrls) {
  const api = new Hono<CallerVariables>()
    .use(
      cors({
        origin: (origin) => origin,
        credentials: true,
        allowMethods: ["GET", "POST", "OPTIONS", "PATCH", "DELETE", "PUT"],
        maxAge: DAY_SECONDS,
      }),
    )
    .use(async (c, next) => {
      c.set("caller", await requestCaller(c.req.header("authorization"), authenticator));
      await next();
    })
    .route("/", deployRoutes(engine, authenticator, urls))
    .route("/", unsupportedRoutes())
    .use(limitBody(FUNCTION_BODY_LIMIT))
    .route("/", functionRoutes(engine));

  return (
    new Hono()
      .onError(onError)
      .notFound((c) =>
        c.json(
          { code: "NotFound", message: `There is no ${c.req.method} ${new URL(c.req.url).pathname} here.` },
          404,
        ),
      )
      .get("/", (c) =>
        c.text("This local deployment is running. Give its address to a Convex client as CONVEX_URL."),
      )
      .get("/version", (c) => c.text(VERSION))
      .get("/instance_version", (c) => c.text(VERSION))
      .get("/instance_name", (c) => c.text(INSTANCE_NAME))
      // For the CLI's network-test.
      .post("/echo", limitBody(FUNCTION_BODY_LIMIT), async (c) => c.body(await c.req.arrayBuffer()))
      .route("/api", api)
      .route("/http", siteApp(engine, authenticator, urls.siteUrl, "/http"))
  );
}
