/** Errors as other languages get them: the fields of a ReelsyncError, and the HTTP status that goes with its code. */
import type { ErrorCode } from "../../../contract/error-code.ts";
import { EXIT, exitCodeOf, type ExitCode } from "../cli/exit-code.ts";
import { isReelsyncError, type ParkedLetter } from "../errors.ts";
import { asUnexpected } from "../unexpected.ts";

export interface ToldError {
  code: string;
  message: string;
  hint?: string;
  retryable: boolean;
  requestId?: string;
  retryAfterMs?: number;
  deadLetter?: ParkedLetter;
}

export function toldError(error: unknown): ToldError {
  if (!isReelsyncError(error)) return asUnexpected(error);
  const { code, message, hint, retryable, requestId, retryAfterMs, deadLetter } = error;
  return {
    code,
    message,
    hint,
    retryable,
    ...(requestId !== undefined && { requestId }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(deadLetter !== undefined && { deadLetter }),
  };
}

/** Exit codes sort all codes by what went wrong; a status says the same to HTTP. */
const STATUS_OF: Partial<Record<ExitCode, number>> = {
  [EXIT.usage]: 400,
  [EXIT.notFound]: 404,
  [EXIT.conflict]: 409,
  [EXIT.quota]: 413,
  // It is the sidecar's own key that was refused, not its caller's.
  [EXIT.auth]: 502,
  [EXIT.fatal]: 502,
  [EXIT.temporary]: 503,
  [EXIT.interrupted]: 499,
};

const STATUS_OF_CODE: Partial<Record<ErrorCode, number>> = {
  SIDECAR_TOKEN_INVALID: 401,
  SIDECAR_ORIGIN_REFUSED: 403,
  FORBIDDEN: 403,
  CONFIG_INVALID: 500,
  // Of the sidecar's own configuration, not of what its caller asked.
  BUCKET_MISMATCH: 502,
  BUCKET_NOT_FOUND: 502,
  DEADLINE_EXCEEDED: 504,
};

export function statusOf(error: unknown): number {
  const own = isReelsyncError(error) ? STATUS_OF_CODE[error.code] : undefined;
  return own ?? STATUS_OF[exitCodeOf(error)] ?? 500;
}
