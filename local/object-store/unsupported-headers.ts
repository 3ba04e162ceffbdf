/**
 * `x-amz-*` headers change what a request means, so one this store does not act on is refused: an object that was to be
 * encrypted, locked or public must not be stored as if it were.
 */
import { S3Error, type S3ErrorCode } from "./errors.ts";
import type { RequestHeaders } from "./request-headers.ts";

const UNDERSTOOD = new Set([
  "x-amz-bypass-governance-retention",
  "x-amz-checksum-algorithm",
  "x-amz-checksum-mode",
  "x-amz-checksum-type",
  "x-amz-content-sha256",
  "x-amz-copy-source",
  "x-amz-copy-source-if-match",
  "x-amz-copy-source-if-modified-since",
  "x-amz-copy-source-if-none-match",
  "x-amz-copy-source-if-unmodified-since",
  "x-amz-copy-source-range",
  "x-amz-date",
  "x-amz-decoded-content-length",
  "x-amz-max-parts",
  "x-amz-metadata-directive",
  "x-amz-mp-object-size",
  "x-amz-object-attributes",
  "x-amz-optional-object-attributes",
  "x-amz-part-number-marker",
  "x-amz-request-payer",
  "x-amz-sdk-checksum-algorithm",
  "x-amz-security-token",
  "x-amz-tagging",
  "x-amz-tagging-directive",
  "x-amz-te",
  "x-amz-trailer",
  "x-amz-user-agent",
]);

/** Understood by prefix; what follows is checked where it is read. */
const UNDERSTOOD_PREFIXES = ["x-amz-meta-", "x-amz-checksum-"];

/** Accepted with a value that asks for what this store does anyway. */
const HARMLESS_VALUES: Record<string, { values: readonly string[]; otherwise: S3ErrorCode }> = {
  "x-amz-acl": {
    values: ["private", "bucket-owner-full-control"],
    otherwise: "AccessControlListNotSupported",
  },
  "x-amz-bucket-object-lock-enabled": { values: ["false"], otherwise: "NotImplemented" },
  "x-amz-object-ownership": { values: ["BucketOwnerEnforced"], otherwise: "NotImplemented" },
  "x-amz-storage-class": { values: ["STANDARD"], otherwise: "InvalidStorageClass" },
};

const OWNER_CHECKS = ["x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"];

export function refuseUnsupportedHeaders(headers: RequestHeaders, ownerId: string): void {
  for (const [name, value] of headers) {
    if (!name.startsWith("x-amz-") || UNDERSTOOD.has(name)) continue;
    if (UNDERSTOOD_PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
    if (OWNER_CHECKS.includes(name)) {
      if (value !== ownerId)
        throw new S3Error("AccessDenied", { message: `Access Denied: ${name} is not the owner.` });
      continue;
    }
    const harmless = HARMLESS_VALUES[name];
    if (harmless?.values.includes(value)) continue;
    if (harmless !== undefined) throw new S3Error(harmless.otherwise);
    if (name.startsWith("x-amz-grant-")) throw new S3Error("AccessControlListNotSupported");
    throw new S3Error("NotImplemented", { message: `The header ${name} is not implemented by this store.` });
  }
}
