/**
 * An S3-compatible object store over plain files, for development and tests. Unmodified AWS SDKs, awscli, rclone and
 * s3cmd talk to it; anything it does not do it refuses, never with a success.
 *
 * Not simulated (refused with 501 NotImplemented unless another code is named)
 * - Versions (GET ?versioning says "never enabled", PUT refuses), object lock, lifecycle, replication, notifications,
 *   website, inventory, analytics, S3 Select, restore, torrent, POST form uploads, SigV4A, directory buckets.
 * - Encryption: x-amz-server-side-encryption* is refused rather than accepted and forgotten.
 * - Access control beyond one key pair: no anonymous access, session tokens (InvalidToken), policies, or ACLs other than
 *   the owner's (AccessControlListNotSupported). Storage classes other than STANDARD (InvalidStorageClass).
 * - Checksums MD5, SHA-512 and XXHash. CRC32, CRC32C, CRC64NVME, SHA-1 and SHA-256 are verified, kept and echoed.
 *
 * Differs by design
 * - Acknowledged data survives `kill -9` of the process, not power loss: it is handed to the kernel, not fsynced.
 *   A file that power loss cut short is noticed when read and answered with 500, never with wrong bytes.
 * - No checksum is added to an object when the client asks for none (S3 adds CRC64NVME).
 * - Strongly consistent, one process per data directory (`EDATADIRINUSE`); a race of conditional writes is always 412,
 *   never 409 ConditionalRequestConflict. One region; whatever region is signed is accepted. Never 503 SlowDown.
 * - CreateBucket of a bucket you own is 200 in every region. Buckets without CORS rules use `corsOrigins`.
 * - Unknown query parameters and x-amz-* headers are refused; S3 ignores some.
 * - A copy shares the files of its source and Complete moves no bytes: both are instant at any size, but for the copy of
 *   a multipart object, whose bytes are read once for the ETag of a single-part object.
 *
 * Client quirks worth knowing
 * - AWS SDK for JS: a presigned PUT made with default settings carries the checksum of an empty body and fails with
 *   BadDigest, as on S3; create the client with `requestChecksumCalculation: "WHEN_REQUIRED"`. `paginateListParts` never
 *   ends against S3, and so not here: loop on IsTruncated. Use `forcePathStyle`, unless the host is `*.localhost`.
 * - awscli: `aws s3 presign` needs `signature_version = s3v4`; Signature Version 2 is refused with InvalidRequest.
 * - s3cmd: needs `--host-bucket` equal to `--host` (path style), and `--no-ssl`.
 * - rclone 1.60 creates the bucket before every copy; `--s3-no-check-bucket` saves the request.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, realpathSync } from "node:fs";
import { Authenticator } from "./auth.ts";
import { defaultCorsRules } from "./cors.ts";
import { claim, disclaim, refuseIfServed } from "./data-dir-owner.ts";
import { isBucketName } from "./operations/buckets.ts";
import { openHttpDoor } from "./server.ts";
import { Store } from "./store.ts";

export interface ObjectStoreOptions {
  /** Created if missing. Everything the store knows lives here. */
  dataDir: string;
  /** Absent or 0: a free one. */
  port?: number;
  /** @default "127.0.0.1" */
  host?: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
  /** Created at start if missing. */
  buckets?: string[];
  /** Origins that may read and write buckets without a CORS configuration of their own. @default ["*"] */
  corsOrigins?: string[];
}

export interface ObjectStore {
  endpoint: string;
  port: number;
  /** Drops open sockets at once, which is also how tests make an outage; a start on the same dataDir and port resumes. */
  close(): Promise<void>;
}

export async function startObjectStore(options: ObjectStoreOptions): Promise<ObjectStore> {
  const { port = 0, host = "127.0.0.1", credentials, buckets = [], corsOrigins = ["*"] } = options;
  checkOptions(credentials, buckets);
  mkdirSync(options.dataDir, { recursive: true });
  const dataDir = realpathSync(options.dataDir);
  await refuseIfServed(dataDir);

  const instance = randomBytes(16).toString("hex");
  const store = new Store(dataDir);
  try {
    for (const bucket of buckets) {
      if (store.buckets.has(bucket)) continue;
      store.commit({ op: "createBucket", bucket, createdMs: Date.now(), region: "us-east-1" });
    }
    const app = {
      store,
      instance,
      authenticator: new Authenticator(credentials),
      defaultCors: defaultCorsRules(corsOrigins),
      ownerId: createHash("sha256").update(credentials.accessKeyId).digest("hex"),
    };
    const door = await openHttpDoor(app, host, port);
    const endpoint = `http://${reachableHost(host)}:${door.port}`;
    claim(dataDir, { instance, endpoint });

    let closing: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      await door.close();
      await store.close();
      disclaim(dataDir, instance);
    };
    return { endpoint, port: door.port, close: () => (closing ??= close()) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function checkOptions(credentials: ObjectStoreOptions["credentials"], buckets: readonly string[]): void {
  if (credentials.accessKeyId === "" || credentials.secretAccessKey === "") {
    throw new Error("The object store needs credentials: accessKeyId and secretAccessKey must not be empty.");
  }
  const badName = buckets.find((name) => !isBucketName(name));
  if (badName !== undefined) {
    throw new Error(
      `"${badName}" is not a bucket name: use 3 to 63 lower-case letters, digits, dots and hyphens, beginning and ending with a letter or digit.`,
    );
  }
}

/** A server on every interface is reached through one of them. */
function reachableHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
