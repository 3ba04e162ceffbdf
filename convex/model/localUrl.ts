/** Signs GET URLs of files that agents keep in a folder, in the same windows as those of the bucket. Verified by the SDK's file door. */
import { PRESIGN_RENEWAL_SHARE, SECOND } from "../../contract/limits.ts";
import { grantText, grantUrl } from "../../contract/local-storage.ts";
import type { LocalGrant } from "../../contract/local-storage.ts";
import { windowStart } from "../../contract/stable-url.ts";
import type { Signable, SignedUrl } from "./presign.ts";
import type { LocalAccess } from "./storageEnv.ts";

export function createLocalSigner(access: LocalAccess, options: { download: boolean }) {
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = crypto.subtle.importKey("raw", encoder.encode(access.signingKey), algorithm, false, ["sign"]);
  return async ({ s3Key, fileName }: Signable): Promise<SignedUrl> => {
    const life = access.presignSeconds * SECOND;
    const expiresAt = windowStart(s3Key, Date.now(), access.presignSeconds) + life;
    const grant: LocalGrant = {
      method: "GET",
      key: s3Key,
      expires: expiresAt / SECOND,
      ...(options.download ? { download: fileName } : {}),
    };
    const signature = await crypto.subtle.sign("HMAC", await key, encoder.encode(grantText(grant)));
    return {
      url: grantUrl(access.baseUrl, grant, hex(new Uint8Array(signature))),
      expiresAt,
      renewAt: expiresAt - life * (1 - PRESIGN_RENEWAL_SHARE),
    };
  };
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
