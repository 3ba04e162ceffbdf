/** CopyObject, and finding the source of any copy. A copy shares the segments of its source; no byte moves. */
import { createHash } from "node:crypto";
import type { ObjectAttributes, StoredObject } from "../catalog.ts";
import { createHasher, parseChecksumAlgorithm, type Checksum, type ChecksumAlgorithm } from "../checksums.ts";
import { checkCopySource, checkWrite, quote } from "../conditions.ts";
import { S3Error } from "../errors.ts";
import { readAttributes } from "../object-attributes.ts";
import { requireBucket, requireTarget, xmlReply, type Handler, type OperationContext } from "../request.ts";
import type { RequestHeaders } from "../request-headers.ts";
import { decodeQueryText } from "../request-target.ts";
import type { Store } from "../store.ts";
import { element, xmlDocument } from "../xml.ts";
import { isoDate } from "./list-page.ts";
import { checksumXml } from "./object-read.ts";
import { checkKeyLength, MAX_SINGLE_UPLOAD_BYTES } from "./object-write.ts";

interface CopySource {
  bucketName: string;
  key: string;
  object: StoredObject;
}

export function findCopySource(context: OperationContext): CopySource {
  const { headers } = context.request;
  const header = headers.get("x-amz-copy-source") ?? "";
  const [, encodedPath = "", versionId] = /^(.*?)(?:\?versionId=([^?&]*))?$/.exec(header) ?? [];
  const match = /^\/?([^/]+)\/(.+)$/s.exec(decodeSource(encodedPath));
  if (match === null) {
    throw new S3Error("InvalidArgument", {
      message: "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
      fields: { ArgumentName: "x-amz-copy-source", ArgumentValue: header },
    });
  }
  const [, bucketName, key] = match as unknown as [string, string, string];
  const object = requireBucket(context, bucketName).objects.get(key);
  if (object === undefined) throw new S3Error("NoSuchKey", { fields: { Key: key } });
  if (versionId !== undefined && versionId !== "null") {
    throw new S3Error("NoSuchVersion", { fields: { Key: key, VersionId: versionId } });
  }
  checkCopySource(headers, object);
  return { bucketName, key, object };
}

/** Encoded once, like a query value. Some clients send raw UTF-8, which Node shows as Latin-1. */
function decodeSource(encoded: string): string {
  try {
    return decodeQueryText(Buffer.from(encoded, "latin1").toString("utf8"));
  } catch (cause) {
    throw new S3Error("InvalidArgument", { message: "Invalid copy source encoding.", cause });
  }
}

function readDirective(headers: RequestHeaders, name: string): "COPY" | "REPLACE" {
  const directive = headers.get(name) ?? "COPY";
  if (directive === "COPY" || directive === "REPLACE") return directive;
  throw new S3Error("InvalidArgument", { message: `${name} must be COPY or REPLACE.` });
}

function chooseAttributes(
  headers: RequestHeaders,
  source: CopySource,
  isSelfCopy: boolean,
): ObjectAttributes {
  const given = readAttributes(headers);
  const metadataDirective = readDirective(headers, "x-amz-metadata-directive");
  const taggingDirective = readDirective(headers, "x-amz-tagging-directive");
  const changesNothing =
    metadataDirective === "COPY" && taggingDirective === "COPY" && !headers.has("x-amz-checksum-algorithm");
  if (isSelfCopy && changesNothing) {
    throw new S3Error("InvalidRequest", {
      message:
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    });
  }
  const { headers: content, metadata } = metadataDirective === "REPLACE" ? given : source.object;
  return {
    headers: content,
    metadata,
    tags: taggingDirective === "REPLACE" ? given.tags : source.object.tags,
  };
}

export function readChecksumAlgorithm(headers: RequestHeaders): ChecksumAlgorithm | undefined {
  const name = headers.get("x-amz-checksum-algorithm");
  if (name === undefined) return undefined;
  const algorithm = parseChecksumAlgorithm(name);
  if (algorithm !== undefined) return algorithm;
  throw new S3Error("NotImplemented", {
    message: `The checksum algorithm ${name} is not implemented by this store.`,
  });
}

/** The copy is a single-part object: where the source's digests do not fit one, its bytes are read once. */
async function digestCopy(
  store: Store,
  source: StoredObject,
  wanted: ChecksumAlgorithm | undefined,
): Promise<{ etag: string; checksum: Checksum | undefined }> {
  const algorithm = wanted ?? source.checksum?.algorithm;
  const hasChecksum = algorithm === source.checksum?.algorithm && source.checksum?.type !== "COMPOSITE";
  if (source.partSizes === undefined && hasChecksum) return { etag: source.etag, checksum: source.checksum };

  const md5 = createHash("md5");
  const hasher = algorithm === undefined ? undefined : createHasher(algorithm);
  if (source.size > 0) {
    for await (const chunk of store.segments.read(source.segments, 0, source.size - 1)) {
      md5.update(chunk);
      hasher?.update(chunk);
    }
  }
  const checksum: Checksum | undefined =
    algorithm === undefined || hasher === undefined
      ? undefined
      : { algorithm, type: "FULL_OBJECT", value: hasher.digest().toString("base64") };
  return { etag: md5.digest("hex"), checksum };
}

export const CopyObject: Handler = async (context) => {
  const { request, store } = context;
  const { bucket, key } = requireTarget(context);
  checkKeyLength(key);
  const source = findCopySource(context);
  if (source.object.size > MAX_SINGLE_UPLOAD_BYTES) {
    throw new S3Error("InvalidRequest", {
      message: `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_SINGLE_UPLOAD_BYTES}`,
    });
  }
  const isSelfCopy = source.bucketName === bucket.name && source.key === key;
  const attributes = chooseAttributes(request.headers, source, isSelfCopy);
  const algorithm = readChecksumAlgorithm(request.headers);
  checkWrite(request.headers, bucket.objects.get(key));

  const { segments, size } = source.object;
  store.segments.retain(segments);
  try {
    const digest = await digestCopy(store, source.object, algorithm);
    const current = requireTarget(context).bucket;
    checkWrite(request.headers, current.objects.get(key));
    const object: StoredObject = { ...attributes, ...digest, size, segments, modifiedMs: Date.now() };
    store.commit({ op: "putObject", bucket: current.name, key, object });
    const content =
      element("LastModified", isoDate(object.modifiedMs)) +
      element("ETag", quote(object.etag)) +
      checksumXml(object.checksum);
    return xmlReply(xmlDocument("CopyObjectResult", content));
  } finally {
    store.segments.release(segments);
  }
};
