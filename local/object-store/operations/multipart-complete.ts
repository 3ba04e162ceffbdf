/** CompleteMultipartUpload: checks what the client lists against what was uploaded, and makes one object of it. */
import { createHash } from "node:crypto";
import { readChecksumHeader } from "../body-plan.ts";
import type { CompletedUpload, MultipartUpload, StoredObject, UploadPart } from "../catalog.ts";
import { CHECKSUM_ALGORITHMS, multipartChecksum, type Checksum } from "../checksums.ts";
import { checkWrite, quote, stripQuotes } from "../conditions.ts";
import { S3Error } from "../errors.ts";
import { requireTarget, xmlReply, type Handler, type OperationContext } from "../request.ts";
import type { RequestHeaders } from "../request-headers.ts";
import { receiveDocument } from "../request-body.ts";
import { element, parseXml, xmlDocument, type XmlElement } from "../xml.ts";
import { MAX_PART_NUMBER, readChecksumType, requireUpload } from "./multipart.ts";
import { checksumXml } from "./object-read.ts";

const MIB = 1024 * 1024;
/** Of every part but the last. */
const MIN_PART_BYTES = 5 * MIB;
/** Ten thousand parts with their checksums fit. */
const MAX_COMPLETE_BYTES = 8 * MIB;

/** The parts the client names, in its order, each checked against what was uploaded. */
function chooseParts(upload: MultipartUpload, listed: readonly XmlElement[]): UploadPart[] {
  if (listed.length === 0 || listed.length > MAX_PART_NUMBER) throw new S3Error("MalformedXML");
  let previousNumber = 0;
  const chosen = listed.map((entry) => {
    const partNumber = Number(entry.childText("PartNumber") ?? "");
    const etag = entry.childText("ETag");
    if (!Number.isInteger(partNumber) || etag === undefined) throw new S3Error("MalformedXML");
    if (partNumber < 1 || partNumber > MAX_PART_NUMBER) {
      throw new S3Error("InvalidArgument", {
        message: "PartNumber must be an integer between 1 and 10000, inclusive",
      });
    }
    if (partNumber <= previousNumber) throw new S3Error("InvalidPartOrder");
    previousNumber = partNumber;
    const part = upload.parts.get(partNumber);
    if (part === undefined || part.etag !== stripQuotes(etag) || !hasListedChecksum(entry, part)) {
      throw new S3Error("InvalidPart", {
        fields: { PartNumber: String(partNumber), ETag: stripQuotes(etag) },
      });
    }
    return { partNumber, part };
  });
  for (const { partNumber, part } of chosen.slice(0, -1)) {
    if (part.size >= MIN_PART_BYTES) continue;
    throw new S3Error("EntityTooSmall", {
      fields: {
        ProposedSize: String(part.size),
        MinSizeAllowed: String(MIN_PART_BYTES),
        PartNumber: String(partNumber),
        ETag: part.etag,
      },
    });
  }
  return chosen.map(({ part }) => part);
}

function hasListedChecksum(entry: XmlElement, part: UploadPart): boolean {
  return CHECKSUM_ALGORITHMS.every((algorithm) => {
    const listed = entry.childText(`Checksum${algorithm}`)?.trim();
    return listed === undefined || (part.checksum?.algorithm === algorithm && part.checksum.value === listed);
  });
}

function objectChecksum(
  upload: MultipartUpload,
  parts: readonly UploadPart[],
  headers: RequestHeaders,
): Checksum | undefined {
  const { checksum: declared } = upload;
  const typeText = headers.get("x-amz-checksum-type");
  if (typeText !== undefined && readChecksumType(typeText) !== declared?.type) {
    throw new S3Error("InvalidRequest", {
      message: `The upload was created with the checksum type ${declared?.type ?? "none"}, not ${typeText}.`,
    });
  }
  const checksum =
    declared &&
    multipartChecksum(
      declared.algorithm,
      declared.type,
      parts.map(({ size, checksum: own }) => ({ size, checksum: own?.value ?? "" })),
    );
  const promised = readChecksumHeader(headers);
  if (promised === undefined) return checksum;
  if (checksum?.algorithm !== promised.algorithm) {
    throw new S3Error("InvalidRequest", {
      message: `The upload was created with the checksum algorithm ${declared?.algorithm ?? "none"}, not ${promised.algorithm}.`,
    });
  }
  if (checksum.value.replace(/-\d+$/, "") !== promised.value.replace(/-\d+$/, "")) {
    throw new S3Error("BadDigest", {
      message: `The ${promised.algorithm} you specified did not match the calculated checksum.`,
    });
  }
  return checksum;
}

function checkObjectSize(headers: RequestHeaders, size: number): void {
  const promised = headers.get("x-amz-mp-object-size");
  if (promised === undefined || Number(promised) === size) return;
  throw new S3Error("InvalidRequest", {
    message: `The provided 'x-amz-mp-object-size' header value ${promised} does not match what was computed: ${size}`,
  });
}

export const CompleteMultipartUpload: Handler = async (context) => {
  const { request, store } = context;
  const remembered = findCompleted(context);
  if (remembered === undefined) requireUpload(context);
  const listed = parseXml(await receiveDocument(request, MAX_COMPLETE_BYTES), "CompleteMultipartUpload").all(
    "Part",
  );

  // Everything below is one synchronous step, so of two concurrent calls the second finds the result of the first.
  const completed = findCompleted(context);
  if (completed !== undefined) return completeReply(context, completed);
  const { bucket, key, upload } = requireUpload(context);
  const parts = chooseParts(upload, listed);
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  checkObjectSize(request.headers, size);
  const checksum = objectChecksum(upload, parts, request.headers);
  checkWrite(request.headers, bucket.objects.get(key));
  const md5s = createHash("md5");
  for (const part of parts) md5s.update(Buffer.from(part.etag, "hex"));
  const object: StoredObject = {
    ...upload.attributes,
    size,
    etag: `${md5s.digest("hex")}-${parts.length}`,
    modifiedMs: Date.now(),
    segments: parts.flatMap((part) => part.segments),
    checksum,
    partSizes: parts.map((part) => part.size),
  };
  store.commit({ op: "completeUpload", bucket: bucket.name, uploadId: upload.id, object });
  return completeReply(context, object);
};

/** What an earlier Complete of this upload made: a client whose connection broke asks again and gets the same answer. */
function findCompleted(context: OperationContext): CompletedUpload | undefined {
  const { bucket, key } = requireTarget(context);
  const completed = bucket.completedUploads.get(context.request.target.query.get("uploadId") ?? "");
  return completed?.key === key ? completed : undefined;
}

function completeReply(context: OperationContext, made: { etag: string; checksum?: Checksum | undefined }) {
  const { bucket, key } = requireTarget(context);
  const content =
    element(
      "Location",
      `http://${context.request.headers.get("host") ?? ""}${context.request.target.rawPath}`,
    ) +
    element("Bucket", bucket.name) +
    element("Key", key) +
    element("ETag", quote(made.etag)) +
    checksumXml(made.checksum);
  return xmlReply(xmlDocument("CompleteMultipartUploadResult", content));
}
