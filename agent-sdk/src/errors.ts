/**
 * The one error the SDK throws, and the one place that decides what follows from a code: whether to try again, whether
 * the circuit breaker counts it, whether an accepted upload that ended with it becomes a dead letter.
 */
import { ERRORS, type ErrorCode } from "../../contract/error-code.ts";

/** Names the letter an upload was parked as. */
export interface ParkedLetter {
  /** The upload's id: what `deadLetters.replay` takes. */
  id: string;
  /** False while the letter waits on this machine's disk because Convex was unreachable. */
  delivered: boolean;
}

export interface ReelsyncErrorDetails {
  cause?: unknown;
  /** What the store or the deployment calls the failed request; quote it to whoever runs them. */
  requestId?: string | undefined;
  /** How long the service asked to be left alone. */
  retryAfterMs?: number | undefined;
  deadLetter?: ParkedLetter;
  /** What helps here, where the fix of the code speaks of another of its causes. */
  hint?: string | undefined;
}

/** `message` states what happened and ends with the fix; `code` is what programs decide by. */
export class ReelsyncError extends Error {
  override readonly name = "ReelsyncError";
  readonly code: ErrorCode;
  /** What helps: the fix of its code, or what its thrower knows better. */
  readonly hint: string;
  readonly retryable: boolean;
  readonly requestId?: string;
  readonly retryAfterMs?: number;
  /** Set when the upload was parked: the work is not lost, and can be replayed by this id. */
  readonly deadLetter?: ParkedLetter;

  constructor(code: ErrorCode, fact: string, details: ReelsyncErrorDetails = {}) {
    const { disposition } = ERRORS[code];
    const fix = details.hint ?? ERRORS[code].fix;
    const sentence = /[.!?]$/.test(fact) ? fact : `${fact}.`;
    super(
      sentence.endsWith(fix) ? sentence : `${sentence} ${fix}`,
      details.cause === undefined ? {} : { cause: details.cause },
    );
    this.code = code;
    this.hint = fix;
    this.retryable = disposition === "retry";
    if (details.requestId !== undefined) this.requestId = details.requestId;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
    if (details.deadLetter !== undefined) this.deadLetter = details.deadLetter;
  }
}

/** The storage holds as much as it may (`STORAGE_*_MAX_SIZE_GB`); nothing was stored. Its code is STORAGE_QUOTA_EXCEEDED. */
export class StorageQuotaExceededError extends ReelsyncError {
  readonly usedBytes: number;
  readonly maxBytes: number;

  constructor(size: number, { usedBytes, maxBytes }: { usedBytes: number; maxBytes: number }) {
    super(
      "STORAGE_QUOTA_EXCEEDED",
      `${size} bytes more do not fit: ${usedBytes} of ${maxBytes} bytes are used or reserved`,
    );
    this.usedBytes = usedBytes;
    this.maxBytes = maxBytes;
  }
}

/** The same error for one upload; errors of a shared request (a token, a probe) reach several. */
export function parkedAs(error: ReelsyncError, deadLetter: ParkedLetter): ReelsyncError {
  const { code, message, hint, requestId, retryAfterMs } = error;
  return new ReelsyncError(code, message, {
    hint,
    cause: error.cause ?? error,
    requestId,
    retryAfterMs,
    deadLetter,
  });
}

/** The same error for an upload that this machine's disk took neither into the journal nor as a dead letter. */
export function unkeptAs(error: ReelsyncError, fault: Error): ReelsyncError {
  const { code, message, hint, requestId, retryAfterMs } = error;
  return new ReelsyncError(code, `Not kept on this machine (${fault.message}). ${message}`, {
    hint,
    cause: error.cause ?? error,
    requestId,
    retryAfterMs,
  });
}

/** For what nobody foresaw: this machine's disk, an argument of the wrong kind, or a fault of the SDK itself. */
export function codedError(error: unknown): ReelsyncError {
  if (isReelsyncError(error)) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new ReelsyncError(unforeseenCode(error), `The call stopped: ${text}`, { cause: error });
}

/** What the system says of a disk rather than of the file on it. */
const DISK_FAULTS: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT", "EROFS"]);

function unforeseenCode(error: unknown): ErrorCode {
  if (error instanceof TypeError || error instanceof RangeError) return "INVALID_ARGUMENT";
  if (!(error instanceof Error)) return "FILE_UNREADABLE";
  if (error.name === "AbortError") return "ABORTED";
  const { code } = error as NodeJS.ErrnoException;
  if (DISK_FAULTS.has(code)) return "DISK_UNAVAILABLE";
  return code === "ENOENT" || code === "ENOTDIR" ? "FILE_NOT_FOUND" : "FILE_UNREADABLE";
}

/** Compares the name, not the class: two copies of the package in one process still understand each other. */
export function isReelsyncError(error: unknown): error is ReelsyncError {
  return error instanceof Error && error.name === "ReelsyncError" && "code" in error;
}

/**
 * What an error says about the health of the service behind a circuit breaker:
 * - `failed`: the service did not do its part;
 * - `answered`: it did, even if the answer was a refusal of ours;
 * - `silent`: the error comes from this process (cancelled, file changed) and says nothing about the service.
 */
export type HealthVerdict = "failed" | "answered" | "silent";

const LOCAL_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "ABORTED",
  "DEADLINE_EXCEEDED",
  "CIRCUIT_OPEN",
  "EARLIER_WAITS",
  "LOCAL_STORAGE_UNAVAILABLE",
  "DISK_UNAVAILABLE",
  "FILE_CHANGED",
  "FILE_NOT_FOUND",
  "FILE_UNREADABLE",
  "FOLDER_UNWATCHABLE",
]);

export function healthVerdict(error: unknown): HealthVerdict {
  if (!isReelsyncError(error) || LOCAL_CODES.has(error.code)) return "silent";
  return error.code === "S3_UNAVAILABLE" || error.code === "CONVEX_UNAVAILABLE" ? "failed" : "answered";
}

/**
 * Faults an operator mends without touching the upload: the same bytes can be sent later, so the work is parked.
 * Everything else that says `stop` is wrong in itself; parking it would only repeat the refusal.
 */
const MENDED_BY_OPERATOR: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "S3_CREDENTIALS_INVALID",
  "S3_REGION_WRONG",
  "S3_ACCESS_DENIED",
  "S3_REFUSED",
  "BUCKET_NOT_FOUND",
  "BUCKET_MISMATCH",
  "CONVEX_FAILED",
  "AGENT_KEY_INVALID",
  "UNAUTHENTICATED",
  "STORAGE_UNCONFIGURED",
]);

/**
 * `accepted`: Convex has answered the upload's begin. Before that only an outage parks: a refusal, or an identity that
 * was wrong from the start, changes nothing anywhere and is simply thrown.
 */
export function becomesDeadLetter({ code, retryable }: ReelsyncError, accepted: boolean): boolean {
  if (accepted) return retryable || MENDED_BY_OPERATOR.has(code);
  return retryable && code !== "TOKEN_EXPIRED";
}

/** What ends by itself: a service is down or slow. A queueing client keeps such an upload and sends it later. */
export function waitsForService({ code }: ReelsyncError): boolean {
  return (
    code === "S3_UNAVAILABLE" ||
    code === "CONVEX_UNAVAILABLE" ||
    code === "CLOCK_SKEWED" ||
    code === "CIRCUIT_OPEN" ||
    code === "DEADLINE_EXCEEDED" ||
    code === "LOCAL_STORAGE_UNAVAILABLE" ||
    code === "CONFLICT"
  );
}

/**
 * Whether an upload that ended so speaks against the line it went through, and so for taking its rollout back. What is
 * wrong with the file, the arguments or the tenant's limits does not; what stopped it by the caller's wish does not.
 */
export function countsAgainstRollout(error: ReelsyncError): boolean {
  const { code } = error;
  return (
    waitsForService(error) ||
    MENDED_BY_OPERATOR.has(code) ||
    code === "COMMIT_REFUSED" ||
    code === "JOURNAL_FULL"
  );
}

/** Codes of the operating system and of Node's HTTP clients that mean "the other side was not reached or went away". */
const NETWORK_CODES: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "ERR_STREAM_PREMATURE_CLOSE",
  "UND_ERR_SOCKET",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "HPE_INVALID_CONSTANT",
]);

/** The code of a broken connection, looked for along the chain of causes; undefined for any other error. */
export function networkCode(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === "string" && NETWORK_CODES.has(code)) return code;
    if (at instanceof AggregateError && at.errors.length > 0) {
      const inner = networkCode(at.errors[0]);
      if (inner !== undefined) return inner;
    }
  }
  return undefined;
}

/** `Retry-After` in either of its forms, as milliseconds from now. */
export function retryAfterMs(header: string | null | undefined, now = Date.now()): number | undefined {
  if (header === null || header === undefined || header === "") return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
