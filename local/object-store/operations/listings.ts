/** ListObjects, ListObjectsV2 and ListObjectVersions: three spellings of one walk over the key index. */
import type { StoredObject } from "../catalog.ts";
import { quote } from "../conditions.ts";
import { S3Error } from "../errors.ts";
import { requireBucket, xmlReply, type Handler } from "../request.ts";
import { element, xmlDocument } from "../xml.ts";
import { entriesXml, isoDate, listObjects, ownerXml, readPageQuery } from "./list-page.ts";

function objectXml(object: StoredObject): string {
  const { checksum } = object;
  return (
    element("LastModified", isoDate(object.modifiedMs)) +
    element("ETag", quote(object.etag)) +
    element("ChecksumAlgorithm", checksum?.algorithm) +
    element("ChecksumType", checksum?.type) +
    element("Size", object.size) +
    element("StorageClass", "STANDARD")
  );
}

export const ListObjects: Handler = (context) => {
  const { query } = context.request.target;
  const bucket = requireBucket(context, context.request.target.bucket);
  const pageQuery = readPageQuery(query);
  const { prefix, delimiter, limit, encode, encodingType } = pageQuery;
  const marker = query.get("marker") ?? "";
  const page = listObjects(bucket, pageQuery, marker);
  const content =
    element("Name", bucket.name) +
    element("Prefix", encode(prefix)) +
    element("Marker", encode(marker)) +
    // Without a delimiter the last key is the marker, and S3 leaves it to the client to see that.
    element("NextMarker", page.isTruncated && delimiter !== "" ? encode(page.last ?? "") : undefined) +
    element("MaxKeys", limit) +
    element("Delimiter", delimiter === "" ? undefined : encode(delimiter)) +
    element("EncodingType", encodingType) +
    element("IsTruncated", page.isTruncated) +
    entriesXml(page, encode, (key, object) => {
      return `<Contents>${element("Key", key)}${objectXml(object)}${ownerXml(context.ownerId)}</Contents>`;
    });
  return xmlReply(xmlDocument("ListBucketResult", content));
};

/** Opaque to the client; ours happens to be the key to resume after. */
const encodeToken = (key: string): string => Buffer.from(key, "utf8").toString("base64url");

function decodeToken(token: string): string {
  const key = Buffer.from(token, "base64url").toString("utf8");
  if (encodeToken(key) === token) return key;
  throw new S3Error("InvalidArgument", { message: "The continuation token provided is incorrect" });
}

export const ListObjectsV2: Handler = (context) => {
  const { query } = context.request.target;
  if (query.get("list-type") !== "2")
    throw new S3Error("InvalidArgument", { message: "list-type must be 2." });
  const bucket = requireBucket(context, context.request.target.bucket);
  const pageQuery = readPageQuery(query);
  const { prefix, delimiter, limit, encode, encodingType } = pageQuery;
  const token = query.get("continuation-token");
  if (token === "")
    throw new S3Error("InvalidArgument", { message: "The continuation token provided is incorrect" });
  const startAfter = query.get("start-after");
  const page = listObjects(bucket, pageQuery, token === undefined ? (startAfter ?? "") : decodeToken(token));
  const owner = query.get("fetch-owner") === "true" ? ownerXml(context.ownerId) : "";
  const content =
    element("Name", bucket.name) +
    element("Prefix", encode(prefix)) +
    element("StartAfter", startAfter === undefined ? undefined : encode(startAfter)) +
    element("ContinuationToken", token) +
    element("NextContinuationToken", page.isTruncated ? encodeToken(page.last ?? "") : undefined) +
    element("KeyCount", page.items.length) +
    element("MaxKeys", limit) +
    element("Delimiter", delimiter === "" ? undefined : encode(delimiter)) +
    element("EncodingType", encodingType) +
    element("IsTruncated", page.isTruncated) +
    entriesXml(
      page,
      encode,
      (key, object) => `<Contents>${element("Key", key)}${objectXml(object)}${owner}</Contents>`,
    );
  return xmlReply(xmlDocument("ListBucketResult", content));
};

/** Every object has exactly one version, the null version, as in a bucket that never had versioning. */
export const ListObjectVersions: Handler = (context) => {
  const { query } = context.request.target;
  const bucket = requireBucket(context, context.request.target.bucket);
  const pageQuery = readPageQuery(query);
  const { prefix, delimiter, limit, encode, encodingType } = pageQuery;
  const keyMarker = query.get("key-marker") ?? "";
  const page = listObjects(bucket, pageQuery, keyMarker);
  const next = page.isTruncated ? encode(page.last ?? "") : undefined;
  const content =
    element("Name", bucket.name) +
    element("Prefix", encode(prefix)) +
    element("KeyMarker", encode(keyMarker)) +
    element("VersionIdMarker", query.get("version-id-marker") ?? "") +
    element("NextKeyMarker", next) +
    element("NextVersionIdMarker", next === undefined ? undefined : "null") +
    element("MaxKeys", limit) +
    element("Delimiter", delimiter === "" ? undefined : encode(delimiter)) +
    element("EncodingType", encodingType) +
    element("IsTruncated", page.isTruncated) +
    entriesXml(page, encode, (key, object) => {
      const version = `${element("Key", key)}<VersionId>null</VersionId><IsLatest>true</IsLatest>`;
      return `<Version>${version}${objectXml(object)}${ownerXml(context.ownerId)}</Version>`;
    });
  return xmlReply(xmlDocument("ListVersionsResult", content));
};
