/** Multipart uploads: Create, UploadPart and Abort. */
import { randomBytes } from "node:crypto";
import { planBody } from "../body-plan.ts";
import type { Bucket, MultipartUpload, UploadPart as StoredPart } from "../catalog.ts";
import { defaultChecksumType, supportsChecksumType, type Checksum, type ChecksumType } from "../checksums.ts";
import { quote } from "../conditions.ts";
import { S3Error } from "../errors.ts";
import { readAttributes } from "../object-attributes.ts";
import { requireTarget, xmlReply, type Handler, type OperationContext } from "../request.ts";
import type { RequestHeaders } from "../request-headers.ts";
import { receiveSegment } from "../request-body.ts";
import { element, xmlDocument } from "../xml.ts";
import { readChecksumAlgorithm } from "./copy.ts";
import { checksumHeaders } from "./object-read.ts";
import { checkKeyLength, MAX_SINGLE_UPLOAD_BYTES } from "./object-write.ts";

export const MAX_PART_NUMBER = 10_000;

export function requireUpload(context: OperationContext): {
  bucket: Bucket;
  key: string;
  upload: MultipartUpload;
} {
  const { bucket, key } = requireTarget(context);
  const uploadId = context.request.target.query.get("uploadId") ?? "";
  const upload = bucket.uploads.get(uploadId);
  if (upload?.key !== key) throw new S3Error("NoSuchUpload", { fields: { UploadId: uploadId } });
  return { bucket, key, upload };
}

export function readPartNumber(context: OperationContext): number {
  const text = context.request.target.query.get("partNumber") ?? "";
  const partNumber = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (partNumber >= 1 && partNumber <= MAX_PART_NUMBER) return partNumber;
  throw new S3Error("InvalidArgument", {
    message: "Part number must be an integer between 1 and 10000, inclusive",
    fields: { ArgumentName: "partNumber", ArgumentValue: text },
  });
}

function readUploadChecksum(headers: RequestHeaders): MultipartUpload["checksum"] {
  const algorithm = readChecksumAlgorithm(headers);
  const typeText = headers.get("x-amz-checksum-type");
  if (algorithm === undefined) {
    if (typeText === undefined) return undefined;
    throw new S3Error("InvalidRequest", {
      message: "x-amz-checksum-type needs an x-amz-checksum-algorithm.",
    });
  }
  const type = typeText === undefined ? defaultChecksumType(algorithm) : readChecksumType(typeText);
  if (!supportsChecksumType(algorithm, type)) {
    throw new S3Error("InvalidRequest", {
      message: `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    });
  }
  return { algorithm, type };
}

export function readChecksumType(text: string): ChecksumType {
  const type = text.toUpperCase();
  if (type === "COMPOSITE" || type === "FULL_OBJECT") return type;
  throw new S3Error("InvalidRequest", { message: "Value for x-amz-checksum-type header is invalid." });
}

export const CreateMultipartUpload: Handler = (context) => {
  const { request, store } = context;
  const { bucket, key } = requireTarget(context);
  checkKeyLength(key);
  const upload = {
    id: randomBytes(24).toString("hex"),
    key,
    initiatedMs: Date.now(),
    attributes: readAttributes(request.headers),
    checksum: readUploadChecksum(request.headers),
  };
  store.commit({ op: "createUpload", bucket: bucket.name, upload });
  const content = element("Bucket", bucket.name) + element("Key", key) + element("UploadId", upload.id);
  const headers: Record<string, string> = {};
  if (upload.checksum !== undefined) {
    headers["x-amz-checksum-algorithm"] = upload.checksum.algorithm;
    headers["x-amz-checksum-type"] = upload.checksum.type;
  }
  return xmlReply(xmlDocument("InitiateMultipartUploadResult", content), headers);
};

export const UploadPart: Handler = async (context) => {
  const { request, store } = context;
  const partNumber = readPartNumber(context);
  const { upload } = requireUpload(context);
  const plan = planBody(request.headers, request.payload, MAX_SINGLE_UPLOAD_BYTES);
  if (
    upload.checksum !== undefined &&
    plan.checksum !== undefined &&
    plan.checksum.algorithm !== upload.checksum.algorithm
  ) {
    throw new S3Error("InvalidRequest", {
      message: `Checksum Type mismatch occurred, expected checksum Type: ${upload.checksum.algorithm.toLowerCase()}, actual checksum Type: ${plan.checksum.algorithm.toLowerCase()}`,
    });
  }
  // The upload's own algorithm is always computed: without it Complete could not form the object's checksum.
  const { segments, digest } = await receiveSegment(
    request,
    plan,
    store.segments,
    upload.checksum?.algorithm,
  );
  const part: StoredPart = {
    size: digest.size,
    etag: digest.md5,
    modifiedMs: Date.now(),
    segments,
    checksum: digest.checksum,
  };
  commitPart(context, partNumber, part);
  // Echoed only if the client sent one: an echo says "verified".
  const echoed: Checksum | undefined =
    plan.checksum === undefined || part.checksum === undefined
      ? undefined
      : { ...part.checksum, type: "FULL_OBJECT" };
  const { "x-amz-checksum-type": _, ...headers } = checksumHeaders(echoed);
  return { status: 200, headers: { etag: quote(part.etag), ...headers } };
};

/** The upload may have been completed or aborted while the bytes arrived. */
export function commitPart(context: OperationContext, partNumber: number, part: StoredPart): void {
  context.store.commitSegments(part.segments, () => {
    const { bucket, upload } = requireUpload(context);
    return { op: "putPart", bucket: bucket.name, uploadId: upload.id, partNumber, part };
  });
}

export const AbortMultipartUpload: Handler = (context) => {
  const { bucket, upload } = requireUpload(context);
  context.store.commit({ op: "abortUpload", bucket: bucket.name, uploadId: upload.id });
  return { status: 204 };
};
