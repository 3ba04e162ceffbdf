/** From a web Request to the app's HTTP action and back. */
import { randomBytes } from "node:crypto";
import type { UserIdentity } from "../engine.ts";
import type { HttpRequestData } from "./action-messages.ts";
import type { Runtime } from "./open-runtime.ts";

/** Statuses whose Response must have no body. */
const bodiless = new Set([101, 204, 205, 304]);

export async function handleHttpAction(
  { state, actions }: Runtime,
  request: Request,
  identity: UserIdentity | null,
): Promise<Response> {
  if (state.app.httpRoutes === null) {
    return new Response("This Convex deployment does not have HTTP actions enabled.", { status: 404 });
  }
  const requestId = randomBytes(8).toString("hex");
  const output = await actions.http(await requestData(request), identity, requestId);
  if (output.ok) {
    const { status, statusText, headers, body } = output.response;
    return new Response(bodiless.has(status) ? null : body, { status, statusText, headers });
  }
  if (output.noRoute) return new Response("No matching routes found", { status: 404 });
  const code = `[Request ID: ${requestId}] Server Error\n${output.message}`;
  return Response.json({ code, ...(output.data !== undefined && { data: output.data }) }, { status: 500 });
}

async function requestData(request: Request): Promise<HttpRequestData> {
  const { url, method, headers } = request;
  const hasBody = method !== "GET" && method !== "HEAD" && request.body !== null;
  return { url, method, headers: [...headers], body: hasBody ? await request.arrayBuffer() : null };
}
