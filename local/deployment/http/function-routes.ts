/** Calling functions over HTTP: `/api/query`, `/api/mutation`, `/api/action`, `/api/function`, `/api/run`, … */
import { randomBytes } from "node:crypto";
import { type Context, Hono } from "hono";
import * as z from "zod";
import { type Caller, type Engine, type FunctionCall, type Outcome, RequestError } from "../engine.ts";
import { decodeTs, encodeTs } from "../sync/protocol.ts";
import { type Json, withMember } from "../values/json.ts";
import { badRequest, json, parseRequest, readBody } from "./body.ts";
import { cleanJson } from "./clean-json.ts";
import { assertAdmin } from "./request-caller.ts";

export interface CallerVariables {
  Variables: { caller: Caller };
}

const format = z
  .enum(["convex_encoded_json", "convex_json", "json", "convex_clean_json"], {
    error: "BadFormat: format must be convex_encoded_json or json",
  })
  .nullish();
type Format = z.infer<typeof format>;

const callBody = z.object({
  path: z.string(),
  args: json.default({}),
  format,
  componentPath: z.literal("", { error: "components are not supported" }).nullish(),
});
const callAtBody = callBody.extend({ ts: z.string() });
const batchBody = z.object({ queries: z.array(callBody) });
const runBody = z.object({ args: json.default({}), format });

export function functionRoutes(engine: Engine) {
  const runQuery = async (call: FunctionCall) => {
    const { ts, results } = await engine.queries([{ ...call, journal: null }]);
    return { ts, outcome: results[0]!.outcome };
  };
  const runMutation = async (call: FunctionCall) => (await engine.mutation(call)).outcome;

  return new Hono<CallerVariables>()
    .get("/query", async (c) => {
      const { args = "{}", ...rest } = c.req.query();
      const body = parseRequest({ ...rest, args: parseArgs(args) }, callBody);
      const { outcome } = await runQuery(toCall(body, c.var.caller));
      return answer(c, envelope(outcome, body.format));
    })
    .post("/query", async (c) => {
      const body = await readBody(c, callBody);
      const { outcome } = await runQuery(toCall(body, c.var.caller));
      return answer(c, envelope(outcome, body.format));
    })
    .post("/query_ts", (c) => c.json({ ts: encodeTs(engine.latestTs()) }))
    .post("/query_at_ts", async (c) => {
      const body = await readBody(c, callAtBody);
      const { ts, outcome } = await runQuery(toCall(body, c.var.caller));
      assertSnapshot(decodeTs(body.ts), ts);
      return answer(c, envelope(outcome, body.format));
    })
    .post("/query_batch", async (c) => {
      const { queries } = await readBody(c, batchBody);
      const requests = queries.map((query) => ({ ...toCall(query, c.var.caller), journal: null }));
      const { results } = await engine.queries(requests);
      const envelopes = results.map(({ outcome }, index) => envelope(outcome, queries[index]?.format));
      return answer(c, `{"results":[${envelopes.join(",")}]}`);
    })
    .post("/mutation", async (c) => {
      const body = await readBody(c, callBody);
      return answer(c, envelope(await runMutation(toCall(body, c.var.caller)), body.format));
    })
    .post("/action", async (c) => {
      const body = await readBody(c, callBody);
      return answer(c, envelope(await engine.action(toCall(body, c.var.caller)), body.format));
    })
    .post("/function", async (c) => {
      assertAdmin(c.var.caller);
      const body = await readBody(c, callBody);
      return answer(c, envelope(await engine.anyFunction(toCall(body, c.var.caller)), body.format));
    })
    .post("/run/:path{.+}", async (c) => {
      const { args, format = "json" } = await readBody(c, runBody);
      const call = toCall({ path: pathOfUrl(c.req.param("path")), args }, c.var.caller);
      if (c.var.caller.kind === "admin") return answer(c, envelope(await engine.anyFunction(call), format));
      let { outcome } = await runQuery(call);
      switch (actualType(outcome)) {
        case "Mutation":
          outcome = await runMutation(call);
          break;
        case "Action":
          outcome = await engine.action(call);
          break;
      }
      return answer(c, envelope(outcome, format));
    });
}

function toCall({ path, args }: { path: string; args: Json }, caller: Caller): FunctionCall {
  return { path, args, caller, requestId: randomBytes(8).toString("hex") };
}

/** As text, because a result is text already. */
function envelope(outcome: Outcome, format: Format): string {
  const clean = format === "json" || format === "convex_clean_json";
  const { logLines } = outcome;
  if (outcome.ok) {
    const json = clean ? JSON.stringify(cleanJson(JSON.parse(outcome.json) as Json)) : outcome.json;
    return withMember({ status: "success", logLines }, "value", json);
  }
  const { errorMessage, errorData } = outcome;
  return JSON.stringify({
    status: "error",
    errorMessage,
    ...(errorData === undefined ? {} : { errorData: clean ? cleanJson(errorData) : errorData }),
    logLines,
  });
}

function answer(c: Context, json: string): Response {
  return c.body(json, 200, { "Content-Type": "application/json" });
}

/** `dir/file/fn`, the spelling of a URL, to `dir/file:fn`. */
function pathOfUrl(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === -1 ? path : `${path.slice(0, slash)}:${path.slice(slash + 1)}`;
}

/** A function of another type refuses to run as a query and says what it is; nothing has run then. */
function actualType(outcome: Outcome): string | undefined {
  if (outcome.ok) return undefined;
  const refusal =
    /^(?:\[Request ID: \w+\] Server Error\n)?Trying to execute \S+ as Query, but it is defined as (\w+)\./;
  return refusal.exec(outcome.errorMessage)?.[1];
}

/** Only the newest snapshot is kept: an older one is refused rather than answered with newer data. */
function assertSnapshot(asked: bigint, current: bigint): void {
  if (asked === current) return;
  throw new RequestError(
    409,
    "SnapshotUnavailable",
    "The data changed after this timestamp, and the local deployment keeps no older snapshots. " +
      "Ask for a new timestamp (make a new client) and read again.",
  );
}

function parseArgs(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw badRequest("The args parameter must be JSON.", cause);
  }
}
