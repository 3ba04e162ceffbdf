/**
 * Signs GET URLs, late and in windows: within a window everybody gets the same bytes, so caches work, and a URL lives at least half of its life after it was
 * handed out.
 */
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { PRESIGN_RENEWAL_SHARE, SECOND } from "../../contract/limits.ts";
import { publicUrl, windowStart } from "../../contract/stable-url.ts";
import { createS3Client } from "./s3Client.ts";
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

export function createUrlSigner(access: StorageAccess, options: { download: boolean }) {
  if (access.publicBaseUrl !== undefined && !options.download) {
    return async (object: Signable): Promise<SignedUrl> => ({
      url: publicUrl(access.publicBaseUrl!, object.s3Key),
      expiresAt: null,
      renewAt: null,
    });
  }
  const client = createS3Client(access);
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

/** RFC 6266: a plain ASCII name for old clients, the full one beside it. */
function attachment(fileName: string): string {
  const ascii = fileName.replace(/[^\x20-\x7e]|["\\]/g, "_");
  const full = encodeURIComponent(fileName).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${full}`;
}
