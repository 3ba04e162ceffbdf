/** URLs of local files: signed here and by the deployment with one key, verified by the file door. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { MAX_PRESIGN_SECONDS, SECOND } from "../../../contract/limits.ts";
import { grantText, grantUrl, type LocalGrant } from "../../../contract/local-storage.ts";
import { windowStart } from "../../../contract/stable-url.ts";
import { ReelsyncError } from "../errors.ts";
import type { PresignedUrl, PresignOptions } from "./storage-backend.ts";
import { assertWritableKey } from "./storage-key.ts";

export interface LocalUrls {
  sign: (method: "GET" | "PUT", key: string, options?: PresignOptions) => Promise<PresignedUrl>;
}

export function createLocalUrls(config: {
  baseUrl: string;
  signingKey: string;
  presignSeconds: number;
}): LocalUrls {
  return {
    async sign(method, key, { expiresInSeconds, contentType } = {}) {
      assertWritableKey(key);
      const life = lifeOf(expiresInSeconds, config.presignSeconds);
      // A life of its own begins now; the usual one in the window everybody shares.
      const now = Date.now();
      const shares = method === "GET" && expiresInSeconds === undefined;
      const signedAt = shares ? windowStart(key, now, life) : now;
      const expires = Math.ceil(signedAt / SECOND) + life;
      const type = method === "PUT" ? contentType : undefined;
      const grant: LocalGrant = { method, key, expires, ...(type !== undefined && { contentType: type }) };
      return {
        url: grantUrl(config.baseUrl, grant, signature(config.signingKey, grant)),
        method,
        headers: type === undefined ? {} : { "content-type": type },
        expiresAt: expires * SECOND,
      };
    },
  };
}

export function lifeOf(asked: number | undefined, usual: number): number {
  const life = asked ?? usual;
  if (Number.isInteger(life) && life >= 1 && life <= MAX_PRESIGN_SECONDS) return life;
  throw new ReelsyncError(
    "INVALID_ARGUMENT",
    `expiresInSeconds is ${life}, expected 1 to ${MAX_PRESIGN_SECONDS}`,
  );
}

export function isSignedBy(signingKey: string, grant: LocalGrant, given: string): boolean {
  return timingSafeEqual(Buffer.from(signature(signingKey, grant), "hex"), Buffer.from(given, "hex"));
}

function signature(signingKey: string, grant: LocalGrant): string {
  return createHmac("sha256", signingKey).update(grantText(grant)).digest("hex");
}
