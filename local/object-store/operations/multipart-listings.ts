/** ListParts and ListMultipartUploads. */
import type { MultipartUpload } from "../catalog.ts";
import { quote } from "../conditions.ts";
import { S3Error } from "../errors.ts";
import { toSortKey } from "../key-index.ts";
import { requireBucket, xmlReply, type Handler } from "../request.ts";
import { element, xmlDocument } from "../xml.ts";
import { isoDate, ownerXml, readLimit, readPageQuery } from "./list-page.ts";
import { requireUpload } from "./multipart.ts";

export const ListParts: Handler = (context) => {
  const { query } = context.request.target;
  const { bucket, key, upload } = requireUpload(context);
  const { encode, encodingType } = readPageQuery(query);
  const limit = readLimit(query.get("max-parts"), "max-parts");
  const marker = Number(query.get("part-number-marker") ?? "0");
  if (!Number.isInteger(marker) || marker < 0) {
    throw new S3Error("InvalidArgument", { message: "part-number-marker must be a number." });
  }
  const rest = [...upload.parts].filter(([number]) => number > marker).sort(([a], [b]) => a - b);
  const page = rest.slice(0, limit);
  const parts = page.map(([number, part]) => {
    const fields =
      element("PartNumber", number) +
      element("LastModified", isoDate(part.modifiedMs)) +
      element("ETag", quote(part.etag)) +
      element("Size", part.size) +
      (part.checksum === undefined ? "" : element(`Checksum${part.checksum.algorithm}`, part.checksum.value));
    return `<Part>${fields}</Part>`;
  });
  const content =
    element("Bucket", bucket.name) +
    element("Key", encode(key)) +
    element("UploadId", upload.id) +
    ownerXml(context.ownerId, "Initiator") +
    ownerXml(context.ownerId) +
    element("StorageClass", "STANDARD") +
    element("ChecksumAlgorithm", upload.checksum?.algorithm) +
    element("ChecksumType", upload.checksum?.type) +
    element("EncodingType", encodingType) +
    element("PartNumberMarker", marker) +
    // On the last page too, as S3 does: a client must go by IsTruncated.
    element("NextPartNumberMarker", page.at(-1)?.[0] ?? 0) +
    element("MaxParts", limit) +
    element("IsTruncated", limit > 0 && page.length < rest.length) +
    parts.join("");
  return xmlReply(xmlDocument("ListPartsResult", content));
};

/** By key, and among the uploads of one key by age. */
function compareUploads(a: MultipartUpload, b: MultipartUpload): number {
  const [aKey, bKey] = [toSortKey(a.key), toSortKey(b.key)];
  if (aKey !== bKey) return aKey < bKey ? -1 : 1;
  return a.initiatedMs - b.initiatedMs || (a.id < b.id ? -1 : 1);
}

function uploadsAfter(
  uploads: MultipartUpload[],
  keyMarker: string,
  uploadIdMarker: string,
): MultipartUpload[] {
  if (keyMarker === "") return uploads;
  const markerKey = toSortKey(keyMarker);
  const markerAt = uploads.findIndex(({ id, key }) => id === uploadIdMarker && key === keyMarker);
  if (markerAt !== -1) return uploads.slice(markerAt + 1);
  return uploads.filter(({ key }) => toSortKey(key) > markerKey);
}

type UploadItem = { upload: MultipartUpload } | { prefix: string };

function groupByPrefix(
  uploads: readonly MultipartUpload[],
  prefix: string,
  delimiter: string,
  keyMarker: string,
): UploadItem[] {
  const items: UploadItem[] = [];
  let lastPrefix: string | undefined;
  for (const upload of uploads) {
    const delimiterAt = delimiter === "" ? -1 : upload.key.indexOf(delimiter, prefix.length);
    if (delimiterAt === -1) {
      items.push({ upload });
      continue;
    }
    const common = upload.key.slice(0, delimiterAt + delimiter.length);
    if (common !== lastPrefix && common !== keyMarker) items.push({ prefix: common });
    lastPrefix = common;
  }
  return items;
}

export const ListMultipartUploads: Handler = (context) => {
  const { query } = context.request.target;
  const bucket = requireBucket(context, context.request.target.bucket);
  const { prefix, delimiter, limit, encode, encodingType } = readPageQuery(query, "max-uploads");
  const keyMarker = query.get("key-marker") ?? "";
  const uploadIdMarker = query.get("upload-id-marker") ?? "";
  const sorted = [...bucket.uploads.values()]
    .filter(({ key }) => key.startsWith(prefix))
    .sort(compareUploads);
  const items = groupByPrefix(uploadsAfter(sorted, keyMarker, uploadIdMarker), prefix, delimiter, keyMarker);
  const page = items.slice(0, limit);
  const isTruncated = limit > 0 && page.length < items.length;
  const last = page.at(-1);
  const nextKey = last === undefined ? "" : "upload" in last ? last.upload.key : last.prefix;

  const entries = page.map((item) => {
    if ("prefix" in item) return `<CommonPrefixes>${element("Prefix", encode(item.prefix))}</CommonPrefixes>`;
    const { upload } = item;
    const fields =
      element("Key", encode(upload.key)) +
      element("UploadId", upload.id) +
      ownerXml(context.ownerId, "Initiator") +
      ownerXml(context.ownerId) +
      element("StorageClass", "STANDARD") +
      element("Initiated", isoDate(upload.initiatedMs)) +
      element("ChecksumAlgorithm", upload.checksum?.algorithm) +
      element("ChecksumType", upload.checksum?.type);
    return `<Upload>${fields}</Upload>`;
  });
  const content =
    element("Bucket", bucket.name) +
    element("KeyMarker", encode(keyMarker)) +
    element("UploadIdMarker", uploadIdMarker) +
    element("NextKeyMarker", isTruncated ? encode(nextKey) : undefined) +
    element(
      "NextUploadIdMarker",
      isTruncated && last !== undefined && "upload" in last ? last.upload.id : undefined,
    ) +
    element("Prefix", encode(prefix)) +
    element("Delimiter", delimiter === "" ? undefined : encode(delimiter)) +
    element("EncodingType", encodingType) +
    element("MaxUploads", limit) +
    element("IsTruncated", isTruncated) +
    entries.join("");
  return xmlReply(xmlDocument("ListMultipartUploadsResult", content));
};
