/**
 * Every coded refusal of the product, what the caller does next, and the fix in plain words. Across the wire an error
 * is `ConvexError<Refusal>`; in a process it is an error class carrying the same code. Nobody decides by message text.
 */

/**
 * - `retry`: the same call may work later.
 * - `stop`: the call is wrong; nothing changes until a person or the program changes it.
 */
export type Disposition = "retry" | "stop";

interface Entry {
  disposition: Disposition;
  fix: string;
}

export const ERRORS = {
  // who is asking
  UNAUTHENTICATED: { disposition: "stop", fix: "Sign in, or set REELSYNC_AGENT_KEY to a valid agent key." },
  TOKEN_EXPIRED: { disposition: "retry", fix: "Fetch a fresh token; the SDK does this by itself." },
  AGENT_KEY_INVALID: {
    disposition: "stop",
    fix: "Create a new agent key in the console and set REELSYNC_AGENT_KEY.",
  },
  FORBIDDEN: {
    disposition: "stop",
    fix: "Ask an owner of the tenant for a role (or an agent key) that covers this.",
  },
  // what they ask for
  INVALID_ARGUMENT: { disposition: "stop", fix: "Correct the named argument." },
  SESSION_NOT_FOUND: {
    disposition: "stop",
    fix: "Create the session first, and pass the id that call returned.",
  },
  SCENE_NOT_FOUND: {
    disposition: "stop",
    fix: "Upsert the scene first, and pass the id that call returned.",
  },
  ASSET_NOT_FOUND: { disposition: "stop", fix: "Begin the upload again." },
  NOT_FOUND: { disposition: "stop", fix: "Check the id: it names nothing you can see." },
  SESSION_ENDED: {
    disposition: "stop",
    fix: "Create a new session, or upload a re-render into an existing scene.",
  },
  TOO_MANY_SCENES: { disposition: "stop", fix: "Split the reel into several sessions." },
  INVALID_ASSET_TYPE: { disposition: "stop", fix: "Use an asset type this kind of entity accepts." },
  CONTENT_TYPE_FORBIDDEN: { disposition: "stop", fix: "Use a content type that this asset type accepts." },
  FILE_TOO_LARGE: { disposition: "stop", fix: "Split the file, or raise the tenant's limit." },
  QUOTA_EXCEEDED: { disposition: "stop", fix: "Free storage or raise the tenant's quota." },
  COMMIT_REFUSED: { disposition: "stop", fix: "What S3 stored is not what was announced: upload again." },
  CONFLICT: { disposition: "retry", fix: "Read the current state and try again." },
  // the file at hand
  FILE_NOT_FOUND: { disposition: "stop", fix: "Check the path; upload after the renderer closed the file." },
  FILE_IS_DIRECTORY: { disposition: "stop", fix: "Pass a file, or upload the folder's files one by one." },
  FILE_EMPTY: { disposition: "stop", fix: "Upload after the renderer has written and closed the file." },
  FILE_UNREADABLE: {
    disposition: "stop",
    fix: "Give the agent's user permission to read the file; open a stream that broke again.",
  },
  FILE_CHANGED: { disposition: "stop", fix: "Upload after the renderer closed the file; then call again." },
  FOLDER_UNWATCHABLE: {
    disposition: "stop",
    fix: "Let the agent's user read the folder, or raise the limit on watched files (fs.inotify.max_user_watches).",
  },
  DISK_UNAVAILABLE: {
    disposition: "retry",
    fix: "Make room on this machine's disk, or set TMPDIR to a folder that the agent's user may write to.",
  },
  JOURNAL_FULL: {
    disposition: "retry",
    fix: "Wait until the journal has drained, make room on its disk, or raise journal.maxEntries or journal.maxBytes.",
  },
  // stored media that is worked on
  ASSET_DAMAGED: {
    disposition: "stop",
    fix: "What is stored is not what was recorded: run a reconcile, and upload the asset again.",
  },
  SCENE_NOT_READY: {
    disposition: "stop",
    fix: "Wait until every scene is ready, or pass allowGaps to leave out what is missing.",
  },
  MEDIA_INVALID: { disposition: "stop", fix: "Render it again: the file is none that can be read." },
  FFMPEG_MISSING: {
    disposition: "stop",
    fix: "Install ffmpeg with ffprobe (apt install ffmpeg, brew install ffmpeg) and put both on the PATH.",
  },
  FFMPEG_FAILED: { disposition: "stop", fix: "What ffmpeg said stands in the message." },
  // somebody else's URL
  URL_FORBIDDEN: {
    disposition: "stop",
    fix: "Use a public http(s) URL, or name its host in REELSYNC_INGEST_ALLOW_HOSTS if it is yours.",
  },
  URL_REFUSED: { disposition: "stop", fix: "Ask the provider for a fresh URL." },
  URL_UNREACHABLE: { disposition: "retry", fix: "Wait for the provider, or ask it for a fresh URL." },
  // the rollout
  ROLLOUT_OFF: {
    disposition: "stop",
    fix: "Raise the rollout stage in the console or with `reelsync rollout set`, or set REELSYNC_ROLLOUT.",
  },
  ROLLOUT_HELD: {
    disposition: "retry",
    fix: "Nothing to do: it is sent at endSession(), drain() or close(), or when the stage is on-write again.",
  },
  // configuration and stores
  CONFIG_INVALID: { disposition: "stop", fix: "Set the variables named in the message; see .env.example." },
  BUCKET_NOT_FOUND: { disposition: "stop", fix: "Create the bucket, or correct S3_BUCKET." },
  BUCKET_MISMATCH: {
    disposition: "stop",
    fix: "Give the agent and the Convex deployment the same S3_BUCKET.",
  },
  S3_CREDENTIALS_INVALID: {
    disposition: "stop",
    fix: "Correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile or role behind S3_CREDENTIALS=chain.",
  },
  S3_REGION_WRONG: { disposition: "stop", fix: "Set AWS_REGION to the bucket's region." },
  S3_ACCESS_DENIED: {
    disposition: "stop",
    fix: "Allow s3:PutObject and s3:GetObject on the bucket for this key.",
  },
  S3_REFUSED: { disposition: "stop", fix: "S3 refused the request; the cause says why." },
  S3_UNAVAILABLE: { disposition: "retry", fix: "Wait for S3, or correct S3_ENDPOINT_URL." },
  CLOCK_SKEWED: {
    disposition: "retry",
    fix: "Set this machine's clock: sudo timedatectl set-ntp true.",
  },
  CONVEX_UNAVAILABLE: { disposition: "retry", fix: "Wait for Convex, or correct CONVEX_URL." },
  CONVEX_FAILED: { disposition: "stop", fix: "The deployment's function failed; its log says why." },
  CIRCUIT_OPEN: {
    disposition: "retry",
    fix: "The dependency failed repeatedly; calls resume after a probe succeeds.",
  },
  EARLIER_WAITS: {
    disposition: "retry",
    fix: "Nothing to do: it is sent after the earlier uploads of its scene, which wait for what their own codes say.",
  },
  DEADLINE_EXCEEDED: { disposition: "retry", fix: "Raise the deadline, or look at what is slow." },
  ABORTED: { disposition: "stop", fix: "The caller's own signal cancelled the upload." },
  // the sidecar
  SIDECAR_TOKEN_INVALID: {
    disposition: "stop",
    fix: "Send the token of the sidecar's address file as `Authorization: Bearer`.",
  },
  SIDECAR_ORIGIN_REFUSED: {
    disposition: "stop",
    fix: "Call it from a program of this machine, on 127.0.0.1; it answers no browser.",
  },
  SIDECAR_UNAVAILABLE: { disposition: "retry", fix: "Start `reelsync serve`, or wait until it runs again." },
  // reconcile and repair
  RECONCILE_BUSY: { disposition: "retry", fix: "Wait for the running reconcile run to finish." },
  REPAIR_REFUSED: { disposition: "stop", fix: "Check what the message names, then start a new run." },
  DELETES_FROZEN: {
    disposition: "stop",
    fix: "Thaw deletes in the console or with `reelsync reconcile thaw`, once the reason for freezing them is gone.",
  },
  STORAGE_QUOTA_EXCEEDED: {
    disposition: "stop",
    fix: "Free storage, or raise STORAGE_S3_MAX_SIZE_GB or STORAGE_LOCAL_MAX_SIZE_GB.",
  },
  LOCAL_STORAGE_UNAVAILABLE: {
    disposition: "retry",
    fix: "Free space on the disk of STORAGE_LOCAL_DIR, or make the folder writable.",
  },
  FILE_DOOR_UNAVAILABLE: {
    disposition: "retry",
    fix: "Run `reelsync storage serve` where the files are, at the deployment's STORAGE_LOCAL_BASE_URL.",
  },
  STORAGE_UNCONFIGURED: {
    disposition: "stop",
    fix: "Set the S3 variables on the Convex deployment; see .env.example.",
  },
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof ERRORS;

/** Data of every ConvexError the backend throws on purpose. */
export interface Refusal {
  code: ErrorCode;
  message: string;
  [field: string]: string | number | boolean;
}

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(ERRORS, code);
}
