/**
 * From a raw request to a reply, in named steps: resolve the target, authenticate, refuse what is not understood, detect
 * the operation, run it. Whatever fails becomes S3's error document. Knows nothing of sockets.
 */
import type { IncomingMessage } from "node:http";
import type { Authenticator } from "./auth.ts";
import { corsHeaders, preflightHeaders, type CorsRule } from "./cors.ts";
import { detectOperation } from "./detect.ts";
import { S3Error } from "./errors.ts";
import { HANDLERS } from "./operations/index.ts";
import { readHeaders, withHoistedHeaders } from "./request-headers.ts";
import { parseRequestTarget, type RequestTarget } from "./request-target.ts";
import type { Reply } from "./request.ts";
import type { Store } from "./store.ts";
import { refuseUnsupportedHeaders } from "./unsupported-headers.ts";
import { element } from "./xml.ts";

export interface Application {
  store: Store;
  authenticator: Authenticator;
  defaultCors: readonly CorsRule[];
  ownerId: string;
  /** Identifies this server in every response. */
  instance: string;
}

export interface RawRequest {
  id: string;
  incoming: IncomingMessage;
  acceptBody(): void;
}

export async function dispatch(app: Application, raw: RawRequest): Promise<Reply> {
  const { incoming } = raw;
  const method = incoming.method ?? "GET";
  const headers = readHeaders(incoming.rawHeaders);
  let target: RequestTarget | undefined;
  let reply: Reply;
  try {
    target = parseRequestTarget(incoming.url ?? "/", headers.get("host"));
    if (method === "OPTIONS") {
      return { status: 200, headers: preflightHeaders(corsRules(app, target), headers) };
    }
    reply = await answer(app, raw, method, target, headers);
  } catch (error) {
    reply = errorReply(app, raw.id, incoming.url ?? "/", error);
  }
  return {
    ...reply,
    headers: { ...corsHeaders(corsRules(app, target), headers.get("origin"), method), ...reply.headers },
  };
}

async function answer(
  app: Application,
  raw: RawRequest,
  method: string,
  target: RequestTarget,
  sentHeaders: ReadonlyMap<string, string>,
): Promise<Reply> {
  const { payload, isPresigned } = app.authenticator.authenticate(
    { method, target, headers: sentHeaders },
    Date.now(),
  );
  const headers = isPresigned ? withHoistedHeaders(sentHeaders, target.query) : sentHeaders;
  refuseUnsupportedHeaders(headers, app.ownerId);
  const operation = detectOperation(method, target, headers, isPresigned);
  const request = { ...raw, method, target, headers, payload, acceptBody: () => raw.acceptBody() };
  return HANDLERS[operation]({ request, store: app.store, ownerId: app.ownerId });
}

/** A bucket that is not there has the default rules, so that a page can read the 404. */
function corsRules(app: Application, target: RequestTarget | undefined): readonly CorsRule[] {
  return app.store.buckets.get(target?.bucket ?? "")?.cors ?? app.defaultCors;
}

function errorReply(app: Application, requestId: string, resource: string, thrown: unknown): Reply {
  const error = thrown instanceof S3Error ? thrown : internalError(thrown);
  const content =
    element("Code", error.code) +
    element("Message", error.message) +
    Object.entries(error.fields)
      .map(([name, value]) => element(name, value))
      .join("") +
    element("Resource", resource.split("?", 1)[0]) +
    element("RequestId", requestId) +
    element("HostId", app.instance);
  return {
    status: error.status,
    headers: { "content-type": "application/xml", ...error.headers },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${content}</Error>`,
  };
}

/** A full disk, a damaged segment: this is a development server, so whoever asks may know. */
function internalError(cause: unknown): S3Error {
  const fault = cause instanceof Error ? cause.message : String(cause);
  return new S3Error("InternalError", { message: `The server met an internal error: ${fault}`, cause });
}
