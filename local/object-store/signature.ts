/** The arithmetic of AWS Signature Version 4: canonical request, string to sign, key, HMAC. Decides nothing. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { parseQuery } from "./request-target.ts";

export const ALGORITHM = "AWS4-HMAC-SHA256";
export const EMPTY_SHA256 = createHash("sha256").digest("hex");

export interface CredentialScope {
  accessKeyId: string;
  /** `20261120` */
  date: string;
  region: string;
  service: string;
}

export const scopeText = ({ date, region, service }: CredentialScope): string =>
  `${date}/${region}/${service}/aws4_request`;

const hmac = (key: Buffer | string, text: string): Buffer => createHmac("sha256", key).update(text).digest();

export function deriveSigningKey(
  secretAccessKey: string,
  { date, region, service }: CredentialScope,
): Buffer {
  return hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, date), region), service), "aws4_request");
}

export const sign = (signingKey: Buffer, stringToSign: string): string =>
  createHmac("sha256", signingKey).update(stringToSign).digest("hex");

/** In constant time, so that a signature cannot be guessed digit by digit. */
export function isSame(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

/** RFC 3986: everything but the unreserved characters, which is stricter than `encodeURIComponent`. */
export function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export function canonicalQuery(rawQuery: string): string {
  return parseQuery(rawQuery)
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => [uriEncode(name), uriEncode(value)] as const)
    .sort(([a, aValue], [b, bValue]) => (a < b ? -1 : a > b ? 1 : aValue < bValue ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/** S3 signs the path as sent: no normalisation, no second encoding. */
export function canonicalRequest(parts: {
  method: string;
  path: string;
  rawQuery: string;
  signedHeaders: readonly string[];
  header: (name: string) => string;
  payloadHash: string;
}): string {
  const headers = parts.signedHeaders.map(
    (name) => `${name}:${parts.header(name).trim().replace(/ +/g, " ")}\n`,
  );
  return [
    parts.method,
    parts.path,
    canonicalQuery(parts.rawQuery),
    headers.join(""),
    parts.signedHeaders.join(";"),
    parts.payloadHash,
  ].join("\n");
}

export function stringToSign(amzDate: string, scope: CredentialScope, canonical: string): string {
  // Latin-1, because that is how Node gave us the header bytes: one character each.
  const hash = createHash("sha256").update(canonical, "latin1").digest("hex");
  return `${ALGORITHM}\n${amzDate}\n${scopeText(scope)}\n${hash}`;
}

/** One chunk of an aws-chunked body continues the signature of the one before it. */
export function chunkStringToSign(
  amzDate: string,
  scope: string,
  previous: string,
  chunkHash: string,
): string {
  return `${ALGORITHM}-PAYLOAD\n${amzDate}\n${scope}\n${previous}\n${EMPTY_SHA256}\n${chunkHash}`;
}

export function trailerStringToSign(
  amzDate: string,
  scope: string,
  previous: string,
  trailerHash: string,
): string {
  return `AWS4-HMAC-SHA256-TRAILER\n${amzDate}\n${scope}\n${previous}\n${trailerHash}`;
}
