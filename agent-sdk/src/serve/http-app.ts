/** The operations over HTTP: JSON in, JSON or JSON lines out, errors with their codes. Knows no port. */
import { randomUUID } from "node:crypto";
import type { ReadableStream } from "node:stream/web";
import { Hono, type Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { correlationIdSchema } from "../../../contract/asset.ts";
import { ReelsyncError } from "../errors.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { bodyOfLines, JSON_LINES } from "./answer-lines.ts";
import { admit, type Door } from "./door.ts";
import { fromJson, readParams } from "./json-body.ts";
import { describedSchema, OPERATIONS, upload, type Asked, type Operation } from "./operations.ts";
import { parsed, type Request, type Sidecar } from "./sidecar.ts";
import { statusOf, toldError } from "./told-error.ts";

const CORRELATION_HEADER = "x-correlation-id";

/** Reveal nothing, so that a probe and a scraper need no secret. */
const OPEN = new Set(["/healthz", "/metrics"]);

export function createHttpApp(sidecar: Sidecar, door: Door, metrics: Metrics): Hono {
  const app = new Hono();
  app.onError((error, context) => refused(context, error));
  app.notFound((context) =>
    refused(
      context,
      new ReelsyncError("NOT_FOUND", `There is no ${context.req.method} ${context.req.path} here`, {
        hint: "Check the method and the path: CLI.md lists what the sidecar answers.",
      }),
    ),
  );
  app.use(async (context, next) => {
    admit(door, context.req.raw.headers, OPEN.has(context.req.path));
    await next();
  });

  app.get("/healthz", (context) => context.json({ ok: true }));
  app.get("/metrics", async (context) =>
    context.body(await metrics.text(), 200, { "content-type": metrics.contentType }),
  );
  for (const operation of Object.values<Operation>(OPERATIONS)) {
    const path = `/v1${operation.path}`;
    app.on(operation.method, path, async (context) => {
      const { method, raw } = context.req;
      const given = method === "GET" ? context.req.query() : await readParams(raw);
      const params = { ...given, ...context.req.param() };
      return answer(context, (request) => sidecar.perform(operation, params, request));
    });
  }
  app.post("/v1/uploads/stream", (context) => {
    // The web's and Node's declarations of the same stream.
    const body = context.req.raw.body as ReadableStream | null;
    if (body === null) throw new ReelsyncError("FILE_EMPTY", "The request has no body");
    const described = parsed(describedSchema, describedByQuery(context));
    return answer(context, (request) =>
      sidecar.attend(request, ({ reelsync }, asked) => upload(reelsync, body, described, asked)),
    );
  });
  return app;
}

/** `entityType`, `entityId` and the rest of an upload as the query, numbers and `true` as they are written. */
function describedByQuery(context: Context): object {
  const { entityType, entityId, chunkIndex, durationMs, timeoutMs, metadata, historyOnly, ...texts } =
    context.req.query();
  const contentType = context.req.header("content-type");
  const numbers = Object.entries({ chunkIndex, durationMs, timeoutMs }).filter(
    ([, text]) => text !== undefined,
  );
  return {
    ...texts,
    entity: { type: entityType, id: entityId },
    ...Object.fromEntries(numbers.map(([name, text]) => [name, Number(text)])),
    ...(historyOnly !== undefined && { historyOnly: FLAGS.get(historyOnly) ?? historyOnly }),
    ...(metadata !== undefined && { metadata: fromJson(metadata, "metadata") }),
    // What clients send when they know nothing better says nothing.
    ...(contentType !== undefined && !UNKNOWN_TYPES.has(contentType) && { contentType }),
  };
}

const FLAGS = new Map([
  ["true", true],
  ["false", false],
]);

const UNKNOWN_TYPES = new Set(["application/octet-stream", "application/x-www-form-urlencoded"]);

async function answer(context: Context, work: (request: Request) => Promise<unknown>): Promise<Response> {
  const named = context.req.header(CORRELATION_HEADER) ?? randomUUID();
  const correlationId = parsed(correlationIdSchema, named, CORRELATION_HEADER);
  context.header(CORRELATION_HEADER, correlationId);
  if (context.req.header("accept")?.includes(JSON_LINES) !== true) {
    return context.json((await work({ correlationId })) as object);
  }
  const body = bodyOfLines((onProgress: Asked["onProgress"]) => work({ correlationId, onProgress }));
  return context.body(body, 200, { "content-type": JSON_LINES });
}

function refused(context: Context, error: Error): Response {
  return context.json({ error: toldError(error) }, statusOf(error) as ContentfulStatusCode);
}
