/** Conditional requests (RFC 9110 §13.2.2 order) for reads, writes, deletes and copy sources. */
import type { StoredObject } from "./catalog.ts";
import { S3Error } from "./errors.ts";
import type { RequestHeaders } from "./request-headers.ts";

export const stripQuotes = (etag: string): string =>
  etag
    .trim()
    .replace(/^W\//, "")
    .replace(/^"(.*)"$/, "$1");
export const quote = (etag: string): string => `"${etag}"`;

/** HTTP dates have whole seconds. */
const wholeSeconds = (ms: number): number => Math.floor(ms / 1000) * 1000;

const matches = (list: string, etag: string): boolean =>
  list.trim() === "*" || list.split(",").some((candidate) => stripQuotes(candidate) === etag);

const failed = (condition: string): S3Error =>
  new S3Error("PreconditionFailed", { fields: { Condition: condition } });

function dateOf(header: string | undefined): number | undefined {
  const ms = header === undefined ? NaN : Date.parse(header);
  return Number.isNaN(ms) ? undefined : ms;
}

/** Throws 412, or says whether the client's copy is still good (304). */
export function isUnmodifiedForReader(headers: RequestHeaders, object: StoredObject, prefix = ""): boolean {
  const modifiedMs = wholeSeconds(object.modifiedMs);
  const ifMatch = headers.get(`${prefix}if-match`);
  const ifUnmodifiedSince = dateOf(headers.get(`${prefix}if-unmodified-since`));
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, object.etag)) throw failed("If-Match");
  } else if (ifUnmodifiedSince !== undefined && modifiedMs > ifUnmodifiedSince) {
    throw failed("If-Unmodified-Since");
  }
  const ifNoneMatch = headers.get(`${prefix}if-none-match`);
  if (ifNoneMatch !== undefined) return matches(ifNoneMatch, object.etag);
  const ifModifiedSince = dateOf(headers.get(`${prefix}if-modified-since`));
  return ifModifiedSince !== undefined && modifiedMs <= ifModifiedSince;
}

/** A copy has no 304: its source either fits the conditions or the copy fails. */
export function checkCopySource(headers: RequestHeaders, source: StoredObject): void {
  if (isUnmodifiedForReader(headers, source, "x-amz-copy-source-"))
    throw failed("x-amz-copy-source-If-None-Match");
}

/** Must be called in the same synchronous step as the commit to mean anything; earlier calls only save the upload. */
export function checkWrite(headers: RequestHeaders, current: StoredObject | undefined): void {
  const ifNoneMatch = headers.get("if-none-match");
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() !== "*") {
      throw new S3Error("NotImplemented", { message: "If-None-Match on a write only takes the value *." });
    }
    if (current !== undefined) throw failed("If-None-Match");
  }
  checkIfMatch(headers.get("if-match"), current);
}

export function checkIfMatch(ifMatch: string | undefined, current: StoredObject | undefined): void {
  if (ifMatch === undefined) return;
  if (current === undefined) throw new S3Error("NoSuchKey");
  if (!matches(ifMatch, current.etag)) throw failed("If-Match");
}

/** Whether a Range header still means the object the client has begun to read. */
export function allowsRange(ifRange: string | undefined, object: StoredObject): boolean {
  if (ifRange === undefined) return true;
  if (/^(W\/)?"/.test(ifRange.trim()))
    return !ifRange.trim().startsWith("W/") && stripQuotes(ifRange) === object.etag;
  const date = dateOf(ifRange);
  return date === undefined ? stripQuotes(ifRange) === object.etag : date === wholeSeconds(object.modifiedMs);
}
