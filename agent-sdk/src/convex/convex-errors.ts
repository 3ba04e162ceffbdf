/** What a Convex deployment and the way to it throw, as one coded error. Refusals carry their code; texts are never read. */
import { ConvexError } from "convex/values";
import { isErrorCode, type ErrorCode } from "../../../contract/error-code.ts";
import { isReelsyncError, networkCode, ReelsyncError, retryAfterMs } from "../errors.ts";
import { PROXY_AUTHENTICATION_REQUIRED, PROXY_WANTS_LOGIN } from "../http-agents.ts";
import type { Reply } from "./post.ts";

const CODE_OF_STATUS: Record<number, ErrorCode> = {
  401: "TOKEN_EXPIRED",
  403: "FORBIDDEN",
  408: "CONVEX_UNAVAILABLE",
  429: "CONVEX_UNAVAILABLE",
};

/** A reply that is not a function's answer: the request did not get as far as a function. */
export function toHttpError({ status, header, body }: Reply, action: string): ReelsyncError {
  const said = parseRefusal(body);
  const code =
    (isErrorCode(said?.code) ? said.code : undefined) ??
    CODE_OF_STATUS[status] ??
    (status >= 500 ? "CONVEX_UNAVAILABLE" : "CONVEX_FAILED");
  const why =
    status === PROXY_AUTHENTICATION_REQUIRED ? PROXY_WANTS_LOGIN : (said?.message ?? body.slice(0, 200));
  return new ReelsyncError(code, `${action} was answered with HTTP ${status}: ${why}`, {
    requestId: header("convex-request-id"),
    retryAfterMs: retryAfterMs(header("retry-after")),
  });
}

/** What a client's call threw. */
export function toConvexError(error: unknown, action: string, signal: AbortSignal): ReelsyncError {
  if (isReelsyncError(error)) return error;
  if (signal.aborted && isReelsyncError(signal.reason)) return signal.reason;
  if (error instanceof ConvexError) return refused(error, error.data as unknown, action);
  const text = error instanceof Error ? error.message : String(error);
  if (isConnectionFault(error)) {
    return new ReelsyncError("CONVEX_UNAVAILABLE", `${action} failed: ${networkCode(error) ?? text}`, {
      cause: error,
    });
  }
  return new ReelsyncError("CONVEX_FAILED", `${action} failed: ${text}`, {
    cause: error,
    // Deployments that hide their errors from clients leave only this to find them in the log by.
    requestId: /\[Request ID: ([0-9a-f]+)\]/.exec(text)?.[1],
  });
}

/** An answer that is no JSON came from something in between. */
function isConnectionFault(error: unknown): boolean {
  return networkCode(error) !== undefined || error instanceof SyntaxError;
}

function refused(error: Error, data: unknown, action: string): ReelsyncError {
  const { code, message, hint } = (typeof data === "object" && data !== null ? data : {}) as {
    code?: unknown;
    message?: unknown;
    hint?: unknown;
  };
  const fact = typeof message === "string" ? message : `${action} was refused: ${JSON.stringify(data)}`;
  return new ReelsyncError(isErrorCode(code) ? code : "CONVEX_FAILED", fact, {
    cause: error,
    ...(typeof hint === "string" && { hint }),
  });
}

function parseRefusal(body: string): { code?: string; message?: string } | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === "object" && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}
