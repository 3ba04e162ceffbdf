/** Routes a request through the app's http.js. */
import type { HttpRequestData, HttpResponseData } from "../action-messages.ts";

interface HttpAction {
  invokeHttpAction(request: Request): Promise<unknown>;
}

export interface HttpRouter {
  lookup(path: string, method: string): readonly [handler: HttpAction, method: string, route: string] | null;
}

const maxBytes = 20 * 1024 * 1024;

export async function invokeHttpAction(
  handler: HttpAction,
  data: HttpRequestData,
): Promise<HttpResponseData> {
  const request = new Request(data.url, { method: data.method, headers: data.headers, body: data.body });
  const response = await handler.invokeHttpAction(request);
  if (!(response instanceof Response)) {
    throw new TypeError("An HTTP action must return a Response.");
  }
  const body = await response.arrayBuffer();
  if (body.byteLength > maxBytes) {
    throw new RangeError(`The response body of ${body.byteLength} bytes is too large (limit: 20 MiB).`);
  }
  return {
    status: response.status,
    statusText: response.statusText,
    headers: [...response.headers],
    body: body.byteLength === 0 ? null : body,
  };
}
