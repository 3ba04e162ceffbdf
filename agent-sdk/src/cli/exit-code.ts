/** What a script learns from how the command ended: one table from error codes, and what each number means. */
import type { ErrorCode } from "../../../contract/error-code.ts";
import { isReelsyncError } from "../errors.ts";

export const EXIT = {
  ok: 0,
  general: 1,
  usage: 2,
  notFound: 3,
  auth: 4,
  temporary: 5,
  conflict: 6,
  fatal: 7,
  quota: 8,
  nothingToDo: 9,
  declined: 10,
  interrupted: 130,
  terminated: 143,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_MEANINGS: Record<keyof typeof EXIT, string> = {
  ok: "done",
  general: "something else went wrong, or several things did",
  usage: "the command, an argument, the file, the folder or the configuration is wrong",
  notFound: "the file, session, scene, asset, letter or bucket does not exist, or is not yours to see",
  auth: "the key or token is missing, refused, or does not cover this",
  temporary: "an outage, a timeout or somebody else at work: the same command may work later",
  conflict: "what the command met is not what it expected: look, then decide",
  fatal: "a service, a tool or stored media failed in a way that repeating does not cure",
  quota: "a limit of the tenant or of the product",
  nothingToDo: "asked to work off a list that is empty",
  declined: "asked whether to go on, somebody said no: nothing was changed",
  interrupted: "interrupted (Ctrl-C); an upload under way was taken back",
  terminated: "terminated (SIGTERM), in the same way",
};

const EXIT_OF: Record<ErrorCode, ExitCode> = {
  UNAUTHENTICATED: EXIT.auth,
  TOKEN_EXPIRED: EXIT.auth,
  AGENT_KEY_INVALID: EXIT.auth,
  FORBIDDEN: EXIT.auth,
  INVALID_ARGUMENT: EXIT.usage,
  SESSION_NOT_FOUND: EXIT.notFound,
  SCENE_NOT_FOUND: EXIT.notFound,
  ASSET_NOT_FOUND: EXIT.notFound,
  NOT_FOUND: EXIT.notFound,
  SESSION_ENDED: EXIT.conflict,
  TOO_MANY_SCENES: EXIT.quota,
  INVALID_ASSET_TYPE: EXIT.usage,
  CONTENT_TYPE_FORBIDDEN: EXIT.usage,
  FILE_TOO_LARGE: EXIT.quota,
  QUOTA_EXCEEDED: EXIT.quota,
  COMMIT_REFUSED: EXIT.conflict,
  CONFLICT: EXIT.conflict,
  FILE_NOT_FOUND: EXIT.notFound,
  FILE_IS_DIRECTORY: EXIT.usage,
  FILE_EMPTY: EXIT.usage,
  FILE_UNREADABLE: EXIT.usage,
  FILE_CHANGED: EXIT.conflict,
  FOLDER_UNWATCHABLE: EXIT.usage,
  DISK_UNAVAILABLE: EXIT.temporary,
  JOURNAL_FULL: EXIT.temporary,
  ASSET_DAMAGED: EXIT.conflict,
  SCENE_NOT_READY: EXIT.conflict,
  MEDIA_INVALID: EXIT.fatal,
  FFMPEG_MISSING: EXIT.usage,
  FFMPEG_FAILED: EXIT.fatal,
  URL_FORBIDDEN: EXIT.usage,
  URL_REFUSED: EXIT.fatal,
  URL_UNREACHABLE: EXIT.temporary,
  ROLLOUT_OFF: EXIT.conflict,
  ROLLOUT_HELD: EXIT.temporary,
  CONFIG_INVALID: EXIT.usage,
  BUCKET_NOT_FOUND: EXIT.notFound,
  BUCKET_MISMATCH: EXIT.usage,
  S3_CREDENTIALS_INVALID: EXIT.auth,
  S3_REGION_WRONG: EXIT.usage,
  S3_ACCESS_DENIED: EXIT.auth,
  S3_REFUSED: EXIT.fatal,
  S3_UNAVAILABLE: EXIT.temporary,
  CLOCK_SKEWED: EXIT.temporary,
  CONVEX_UNAVAILABLE: EXIT.temporary,
  CONVEX_FAILED: EXIT.fatal,
  CIRCUIT_OPEN: EXIT.temporary,
  EARLIER_WAITS: EXIT.temporary,
  DEADLINE_EXCEEDED: EXIT.temporary,
  ABORTED: EXIT.interrupted,
  SIDECAR_TOKEN_INVALID: EXIT.auth,
  SIDECAR_ORIGIN_REFUSED: EXIT.auth,
  SIDECAR_UNAVAILABLE: EXIT.temporary,
  RECONCILE_BUSY: EXIT.temporary,
  REPAIR_REFUSED: EXIT.conflict,
  DELETES_FROZEN: EXIT.conflict,
  STORAGE_UNCONFIGURED: EXIT.fatal,
  STORAGE_QUOTA_EXCEEDED: EXIT.quota,
  LOCAL_STORAGE_UNAVAILABLE: EXIT.temporary,
  FILE_DOOR_UNAVAILABLE: EXIT.temporary,
};

/** A command line that cannot be run as it was written. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** What helps: usually which `--help` to read. */
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return EXIT.usage;
  // A code of a newer deployment or package may be missing here.
  return isReelsyncError(error)
    ? ((EXIT_OF as Partial<typeof EXIT_OF>)[error.code] ?? EXIT.general)
    : EXIT.general;
}

/** One number for several outcomes: the common one, or `general` where they differ. */
export function commonExitCode(codes: readonly ExitCode[]): ExitCode {
  const failures = [...new Set(codes.filter((code) => code !== EXIT.ok))];
  if (failures.includes(EXIT.interrupted)) return EXIT.interrupted;
  return failures.length > 1 ? EXIT.general : (failures[0] ?? EXIT.ok);
}
