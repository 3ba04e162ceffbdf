/** PutObject, DeleteObject and DeleteObjects. */
import { planBody } from "../body-plan.ts";
import type { StoredObject } from "../catalog.ts";
import { checkIfMatch, checkWrite, quote } from "../conditions.ts";
import { S3Error } from "../errors.ts";
import { readAttributes } from "../object-attributes.ts";
import { requireBucket, requireTarget, xmlReply, type Handler, type OperationContext } from "../request.ts";
import { receiveDocument, receiveSegment } from "../request-body.ts";
import { element, parseXml, xmlDocument, type XmlElement } from "../xml.ts";
import { checksumHeaders } from "./object-read.ts";

const MIB = 1024 * 1024;
/** S3's limit for one request; larger objects are uploaded in parts. */
export const MAX_SINGLE_UPLOAD_BYTES = 5 * 1024 * MIB;
const MAX_KEY_BYTES = 1024;
const MAX_DELETE_KEYS = 1000;
/** A thousand of the longest keys, every byte written as a character reference, fit. */
const MAX_DELETE_BYTES = 8 * MIB;

export function checkKeyLength(key: string): void {
  const size = Buffer.byteLength(key);
  if (size <= MAX_KEY_BYTES) return;
  throw new S3Error("KeyTooLongError", {
    fields: { Size: String(size), MaxSizeAllowed: String(MAX_KEY_BYTES) },
  });
}

export const PutObject: Handler = async (context) => {
  const { request, store } = context;
  const { bucket, key } = requireTarget(context);
  checkKeyLength(key);
  const attributes = readAttributes(request.headers);
  const plan = planBody(request.headers, request.payload, MAX_SINGLE_UPLOAD_BYTES);
  checkWrite(request.headers, bucket.objects.get(key));

  const { segments, digest } = await receiveSegment(request, plan, store.segments);
  const object: StoredObject = {
    ...attributes,
    size: digest.size,
    etag: digest.md5,
    modifiedMs: Date.now(),
    segments,
    checksum: digest.checksum && { ...digest.checksum, type: "FULL_OBJECT" },
  };
  store.commitSegments(segments, () => {
    const current = requireTarget(context).bucket;
    checkWrite(request.headers, current.objects.get(key));
    return { op: "putObject", bucket: current.name, key, object };
  });
  return { status: 200, headers: { etag: quote(object.etag), ...checksumHeaders(object.checksum) } };
};

function checkNullVersion(versionId: string | undefined): void {
  if (versionId === undefined || versionId === "" || versionId === "null") return;
  throw new S3Error("NoSuchVersion", { fields: { VersionId: versionId } });
}

export const DeleteObject: Handler = (context) => {
  const { request, store } = context;
  const { bucket, key } = requireTarget(context);
  checkNullVersion(request.target.query.get("versionId"));
  const current = bucket.objects.get(key);
  checkIfMatch(request.headers.get("if-match"), current);
  if (current !== undefined) store.commit({ op: "deleteObjects", bucket: bucket.name, keys: [key] });
  return { status: 204 };
};

interface Deletion {
  key: string;
  versionId: string | undefined;
  etag: string | undefined;
}

function parseDeletions(root: XmlElement): Deletion[] {
  const objects = root.all("Object");
  if (objects.length === 0 || objects.length > MAX_DELETE_KEYS) throw new S3Error("MalformedXML");
  return objects.map((entry) => {
    const key = entry.childText("Key");
    if (key === undefined || key === "") throw new S3Error("MalformedXML");
    const unknown = entry.childNames().find((name) => !["Key", "VersionId", "ETag"].includes(name));
    if (unknown !== undefined) {
      throw new S3Error("NotImplemented", {
        message: `DeleteObjects by ${unknown} is not implemented by this store.`,
      });
    }
    return { key, versionId: entry.childText("VersionId"), etag: entry.childText("ETag") };
  });
}

export const DeleteObjects: Handler = async (context) => {
  requireBucket(context, context.request.target.bucket);
  const root = parseXml(await receiveDocument(context.request, MAX_DELETE_BYTES), "Delete");
  const deletions = parseDeletions(root);
  const isQuiet = root.childText("Quiet")?.trim() === "true";
  return xmlReply(xmlDocument("DeleteResult", deleteAll(context, deletions, isQuiet)));
};

function deleteAll(context: OperationContext, deletions: readonly Deletion[], isQuiet: boolean): string {
  const bucket = requireBucket(context, context.request.target.bucket);
  const keys: string[] = [];
  const results = deletions.map(({ key, versionId, etag }) => {
    const current = bucket.objects.get(key);
    try {
      checkNullVersion(versionId);
      checkIfMatch(etag, current);
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      return `<Error>${element("Key", key)}${element("Code", error.code)}${element("Message", error.message)}</Error>`;
    }
    if (current !== undefined) keys.push(key);
    // A key that is not there is reported as deleted, too.
    return isQuiet ? "" : `<Deleted>${element("Key", key)}</Deleted>`;
  });
  if (keys.length > 0) context.store.commit({ op: "deleteObjects", bucket: bucket.name, keys });
  return results.join("");
}
