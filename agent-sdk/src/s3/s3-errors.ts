/** What S3 and the AWS SDK throw, as one coded error. The table is keyed by S3's own error codes; texts are never read. */
import type { ErrorCode } from "../../../contract/error-code.ts";
import { SECOND } from "../../../contract/limits.ts";
import { PROXY_AUTHENTICATION_REQUIRED, PROXY_WANTS_LOGIN } from "../http-agents.ts";
import { isReelsyncError, networkCode, ReelsyncError, retryAfterMs } from "../errors.ts";

const CODE_OF: Record<string, ErrorCode> = {
  NoSuchBucket: "BUCKET_NOT_FOUND",
  InvalidAccessKeyId: "S3_CREDENTIALS_INVALID",
  SignatureDoesNotMatch: "S3_CREDENTIALS_INVALID",
  ExpiredToken: "S3_CREDENTIALS_INVALID",
  InvalidToken: "S3_CREDENTIALS_INVALID",
  TokenRefreshRequired: "S3_CREDENTIALS_INVALID",
  CredentialsProviderError: "S3_CREDENTIALS_INVALID",
  RequestTimeTooSkewed: "CLOCK_SKEWED",
  AccessDenied: "S3_ACCESS_DENIED",
  AccountProblem: "S3_ACCESS_DENIED",
  AllAccessDisabled: "S3_ACCESS_DENIED",
  EntityTooLarge: "FILE_TOO_LARGE",
  // The store hashed something else than was sent; the part is sent again from the file.
  XAmzContentSHA256Mismatch: "S3_UNAVAILABLE",
  BadDigest: "S3_UNAVAILABLE",
  IncompleteBody: "S3_UNAVAILABLE",
  RequestTimeout: "S3_UNAVAILABLE",
  TimeoutError: "S3_UNAVAILABLE",
  SlowDown: "S3_UNAVAILABLE",
  Throttling: "S3_UNAVAILABLE",
  ThrottlingException: "S3_UNAVAILABLE",
  TooManyRequests: "S3_UNAVAILABLE",
  ServiceUnavailable: "S3_UNAVAILABLE",
  InternalError: "S3_UNAVAILABLE",
  OperationAborted: "S3_UNAVAILABLE",
  ConditionalRequestConflict: "S3_UNAVAILABLE",
  NotImplemented: "S3_REFUSED",
};

/** The parts of an AWS SDK exception that are read here. */
interface ServiceException extends Error {
  $metadata?: { httpStatusCode?: number; requestId?: string; attempts?: number };
  $response?: { headers?: Record<string, string> };
  Code?: string;
  /** Of an AuthorizationHeaderMalformed: where the bucket is. */
  Region?: string;
}

/** S3's own code of an error, e.g. `NoSuchUpload`. */
export function s3Code(error: unknown): string | undefined {
  return error instanceof Error ? ((error as ServiceException).Code ?? error.name) : undefined;
}

export function toS3Error(error: unknown, action: string, signal?: AbortSignal): ReelsyncError {
  if (isReelsyncError(error)) return error;
  if (signal?.aborted && isReelsyncError(signal.reason)) return signal.reason;
  const exception = error as ServiceException;
  const status = exception.$metadata?.httpStatusCode;
  const region = regionOf(exception, status);
  if (region !== undefined) {
    return new ReelsyncError("S3_REGION_WRONG", `${action} failed: the bucket is in ${region}`, {
      cause: error,
      requestId: exception.$metadata?.requestId,
    });
  }
  const code = codeOf(error, status);
  const clock = code === "CLOCK_SKEWED" ? describeClock(exception) : "";
  return new ReelsyncError(code, `${action} failed: ${describe(exception, status)}${clock}`, {
    cause: error,
    requestId: exception.$metadata?.requestId,
    retryAfterMs: retryAfterMs(exception.$response?.headers?.["retry-after"]),
  });
}

/** A bucket asked for in another region than its own answers with a redirect, or refuses the signature, and says where it is. */
function regionOf({ $response, Region }: ServiceException, status: number | undefined): string | undefined {
  if (status !== 301 && status !== 307 && status !== 400) return undefined;
  return Region ?? (status === 400 ? undefined : $response?.headers?.["x-amz-bucket-region"]);
}

function codeOf(error: unknown, status: number | undefined): ErrorCode {
  const known = CODE_OF[s3Code(error) ?? ""];
  if (known !== undefined) return known;
  if (networkCode(error) !== undefined) return "S3_UNAVAILABLE";
  if (status === undefined) return "S3_REFUSED";
  if (status === 429 || status === 408 || (status >= 500 && status !== 501)) return "S3_UNAVAILABLE";
  // Replies to HEAD have no body, so only the status tells.
  if (status === 401 || status === 403) return "S3_ACCESS_DENIED";
  return "S3_REFUSED";
}

/** Some stores leave the message empty, which the SDK turns into "UnknownError". */
function describe(error: ServiceException, status: number | undefined): string {
  const code = networkCode(error);
  if (code !== undefined) return code;
  if (status === PROXY_AUTHENTICATION_REQUIRED) return `HTTP ${status}, ${PROXY_WANTS_LOGIN}`;
  const text = error.message === "UnknownError" || error.message === "" ? "" : ` (${error.message})`;
  return `${s3Code(error) ?? "unknown error"}${status === undefined ? "" : `, HTTP ${status}`}${text}`;
}

/** The AWS client learns the store's time from this reply and signs the next request with it; what is left is told. */
function describeClock({ $response }: ServiceException): string {
  const offMs = Date.now() - Date.parse($response?.headers?.["date"] ?? "");
  if (Number.isNaN(offMs)) return "; this machine's clock is wrong";
  const direction = offMs > 0 ? "ahead of" : "behind";
  return `; this machine's clock is ${Math.round(Math.abs(offMs) / SECOND)} s ${direction} the store's`;
}
