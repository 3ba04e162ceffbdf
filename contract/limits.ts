/**
 * Numbers both sides of a boundary must agree on, each with its source. No zod here: the web bundle reads this file.
 */
export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

/** S3: smallest part but the last, most parts, largest single PUT and largest object (S3 user guide, "Multipart upload limits"). */
export const MIN_PART_BYTES = 5 * MIB;
export const MAX_PARTS = 10_000;
export const MAX_SINGLE_PUT_BYTES = 5 * GIB;
export const MAX_OBJECT_BYTES = 5 * 1024 * GIB;

/** S3: longest object key in UTF-8 bytes (S3 user guide, "Naming Amazon S3 objects"). */
export const MAX_KEY_BYTES = 1024;

/** S3: longest life of a presigned URL, SigV4 (7 days). */
export const MAX_PRESIGN_SECONDS = 7 * 24 * 3600;

/** Presigned life when nothing else is configured; see design: windowed signing. */
export const DEFAULT_PRESIGN_SECONDS = 3600;

/** Share of a presigned URL's life after which a player asks for a new one. */
export const PRESIGN_RENEWAL_SHARE = 0.75;

/** Part size that costs least: 5 MiB parts are 1.33 times slower, parts beyond 16 MiB gain less than 10 % (measured). */
export const PREFERRED_PART_BYTES = 16 * MIB;

export const DEFAULT_MULTIPART_THRESHOLD_BYTES = 64 * MIB;

/** Convex: a document's metadata must stay small so that a session of thousands of assets still lists quickly. */
export const MAX_METADATA_BYTES = 8 * KIB;
export const MAX_NAME_LENGTH = 200;
export const MAX_ERROR_MESSAGE_LENGTH = 2_000;

/** Scenes of one session a timeline returns in one subscription; a reel of this many scenes is hours long. */
export const MAX_SCENES_PER_SESSION = 1_000;
/** Chunks a single scene may hold, bounded so that one timeline read stays within Convex's 32,000 documents. */
export const MAX_CHUNKS_PER_SCENE = 100;

/** URLs one call of `playback.urls` signs. */
export const MAX_URLS_PER_CALL = 100;

/** Age below which the reconciler never judges an object or an upload: longer than the longest legal upload and its retries. */
export const RECONCILE_GRACE_MS = 24 * HOUR;

/** Longest time a replay may hold its letter unheard of; what a replay asks for is its own deadline and a little more. */
export const MAX_REPLAY_LEASE_MS = 24 * HOUR;

/** Items of one `beginBatch`, `commitBatch` or `byUploads`: far within what one Convex transaction may read (4,096 ranges). */
export const MAX_BATCH_ITEMS = 100;

/** An agent's health is written this often at most while nothing about it changes. */
export const AGENT_REPORT_INTERVAL_MS = 30 * SECOND;
