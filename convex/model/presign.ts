/**
 * Signs GET URLs, late and in windows: within a window everybody gets the same bytes, so caches work, and a URL lives at least half of its life after it was
 * handed out. Windows of different objects start at different moments, so that not every player renews at once.
 */
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { PRESIGN_RENEWAL_SHARE, SECOND } from "../../contract/limits.ts";
import type { StorageAccess } from "./storageEnv.ts";

export interface SignedUrl {
  url: string;
  expiresAt: number | null;
  renewAt: number | null;
}

export interface Signable {
  bucket: string;
  s3Key: string;
  fileName: string;
}

/** The part of a URL's life in which it stays byte-identical. */
const WINDOW_SHARE = 0.5;

export function createUrlSigner(access: StorageAccess, options: { download: boolean }) {
  if (access.publicBaseUrl !== undefined && !options.download) {
    return async (object: Signable): Promise<SignedUrl> => ({
      url: publicUrl(access.publicBaseUrl!, object.s3Key),
      expiresAt: null,
      renewAt: null,
    });
  }
  const client = new S3Client({
    region: access.region,
    credentials: access.credentials,
    forcePathStyle: access.forcePathStyle,
    ...(access.endpoint === undefined ? {} : { endpoint: access.endpoint }),
    // The default signs checksum parameters into the URL, which stores then verify against nothing.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  return async (object: Signable): Promise<SignedUrl> => {
    const signedAt = windowStart(object.s3Key, Date.now(), access.presignSeconds);
    const life = access.presignSeconds * SECOND;
    const url = await getSignedUrl(
      client,
      new GetObjectCommand({
        Bucket: object.bucket,
        Key: object.s3Key,
        ...(options.download ? { ResponseContentDisposition: attachment(object.fileName) } : {}),
      }),
      { expiresIn: access.presignSeconds, signingDate: new Date(signedAt) },
    );
    return { url, expiresAt: signedAt + life, renewAt: signedAt + life * PRESIGN_RENEWAL_SHARE };
  };
}

/** Latest start of this object's window that is not in the future, in whole seconds because a signature's date has no smaller unit. */
export function windowStart(s3Key: string, now: number, presignSeconds: number): number {
  const window = Math.floor(presignSeconds * WINDOW_SHARE);
  const jitter = hash(s3Key) % window;
  const seconds = Math.floor(now / SECOND);
  return (Math.floor((seconds - jitter) / window) * window + jitter) * SECOND;
}

/** FNV-1a, 32 bits: spreads keys over the window, nothing more. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}

function publicUrl(base: string, s3Key: string): string {
  return `${base.replace(/\/+$/, "")}/${s3Key.split("/").map(encodeURIComponent).join("/")}`;
}

/** RFC 6266: a plain ASCII name for old clients, the full one beside it. */
function attachment(fileName: string): string {
  const ascii = fileName.replace(/[^\x20-\x7e]|["\\]/g, "_");
  const full = encodeURIComponent(fileName).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${full}`;
}
