/** What the official CLI asks of a deployment: addresses, pushes, deployment variables, logs. */
import { Hono } from "hono";
import * as z from "zod";
import type { Authenticator } from "../auth/authenticator.ts";
import type { Engine } from "../engine.ts";
import type { Json } from "../values/json.ts";
import { badRequest, limitBody, parseRequest, PUSH_BODY_LIMIT, readBody, readJson } from "./body.ts";
import type { CallerVariables } from "./function-routes.ts";
import { assertAdmin } from "./request-caller.ts";

const SECOND = 1000;

/** Below the minute after which intermediaries and clients tend to give up. */
const LOG_WAIT_MS = 50 * SECOND;

const environmentBody = z.object({
  changes: z.array(z.object({ name: z.string(), value: z.string().nullable() })),
});
const pushBody = z.looseObject({ adminKey: z.string() });

export interface DeploymentUrls {
  url: string;
  siteUrl: string;
}

export function deployRoutes(engine: Engine, authenticator: Authenticator, urls: DeploymentUrls) {
  /** These routes carry the admin key in the body. */
  const readPush = async (c: Parameters<typeof readJson>[0]): Promise<Json> => {
    const body = await readJson(c);
    authenticator.admin(parseRequest(body, pushBody).adminKey);
    return body;
  };

  const deploy2 = new Hono()
    .use(limitBody(PUSH_BODY_LIMIT))
    // The CLI asks this to warn of slow index builds; ours are built inside the push, so there is nothing to say.
    .post("/evaluate_schema", async (c) => {
      await readPush(c);
      return c.json({ componentSchemaEvaluations: {}, newComponentDefinitions: [] });
    })
    .post("/start_push", async (c) => c.json(await engine.push.start(await readPush(c))))
    .post("/wait_for_schema", async (c) => c.json(await engine.push.waitForSchema(await readPush(c))))
    .post("/finish_push", async (c) => c.json(await engine.push.finish(await readPush(c))))
    .post("/report_push_completed", async (c) => {
      await readPush(c);
      return c.json(null);
    });

  return new Hono<CallerVariables>()
    .route("/deploy2", deploy2)
    .get("/v1/get_canonical_urls", (c) => c.json({ convexCloudUrl: urls.url, convexSiteUrl: urls.siteUrl }))
    .post("/get_config_hashes", async (c) => {
      await readPush(c);
      return c.json(await engine.push.configHashes());
    })
    .post("/update_environment_variables", async (c) => {
      assertAdmin(c.var.caller);
      const { changes } = await readBody(c, environmentBody);
      await engine.changeEnvironment(changes);
      return c.body(null, 200);
    })
    .get("/stream_function_logs", async (c) => {
      assertAdmin(c.var.caller);
      const cursor = Number(c.req.query("cursor") ?? 0);
      if (!Number.isFinite(cursor)) throw badRequest("The cursor must be a number of milliseconds.", null);
      const { entries, newCursor } = await engine.logs(cursor, LOG_WAIT_MS);
      return c.json({ entries, newCursor });
    });
}
