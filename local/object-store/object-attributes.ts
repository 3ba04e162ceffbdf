/** What a client says about an object besides its bytes: read from request headers, given back in response headers. */
import type { ObjectAttributes } from "./catalog.ts";
import { S3Error } from "./errors.ts";
import type { RequestHeaders } from "./request-headers.ts";
import { parseQuery } from "./request-target.ts";

export const DEFAULT_CONTENT_TYPE = "binary/octet-stream";
const CONTENT_HEADERS = [
  "content-type",
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "expires",
];
const METADATA_PREFIX = "x-amz-meta-";
const MAX_METADATA_BYTES = 2 * 1024;
const MAX_TAGS = 10;
const MAX_TAG_KEY_LENGTH = 128;
const MAX_TAG_VALUE_LENGTH = 256;

export function readAttributes(headers: RequestHeaders): ObjectAttributes {
  const content: Record<string, string> = {};
  for (const name of CONTENT_HEADERS) {
    const value = name === "content-encoding" ? withoutAwsChunked(headers.get(name)) : headers.get(name);
    if (value !== undefined && value !== "") content[name] = value;
  }
  return {
    headers: content,
    metadata: readMetadata(headers),
    tags: readTaggingHeader(headers.get("x-amz-tagging")),
  };
}

/** `aws-chunked` describes the transfer, not the object. */
function withoutAwsChunked(encoding: string | undefined): string | undefined {
  return encoding
    ?.split(",")
    .map((token) => token.trim())
    .filter((token) => token.toLowerCase() !== "aws-chunked")
    .join(",");
}

function readMetadata(headers: RequestHeaders): Record<string, string> {
  const metadata = [...headers]
    .filter(([name]) => name.startsWith(METADATA_PREFIX))
    .map(([name, value]) => [name.slice(METADATA_PREFIX.length), value] as const);
  const size = metadata.reduce((bytes, [key, value]) => bytes + key.length + value.length, 0);
  if (size > MAX_METADATA_BYTES) {
    throw new S3Error("MetadataTooLarge", {
      fields: { Size: String(size), MaxSizeAllowed: String(MAX_METADATA_BYTES) },
    });
  }
  return Object.fromEntries(metadata);
}

function readTaggingHeader(header: string | undefined): Record<string, string> {
  return checkTags(parseQuery(Buffer.from(header ?? "", "latin1").toString("utf8")));
}

export function checkTags(pairs: readonly (readonly [key: string, value: string])[]): Record<string, string> {
  if (pairs.length > MAX_TAGS)
    throw new S3Error("BadRequest", { message: "Object tags cannot be greater than 10" });
  const tags = new Map(pairs);
  if (tags.size < pairs.length) {
    throw new S3Error("InvalidTag", { message: "Cannot provide multiple Tags with the same key" });
  }
  for (const [key, value] of tags) {
    if (key === "" || key.length > MAX_TAG_KEY_LENGTH || value.length > MAX_TAG_VALUE_LENGTH) {
      throw new S3Error("InvalidTag", { message: `The tag "${key}" is empty or too long.` });
    }
  }
  return Object.fromEntries(tags);
}

export function attributeHeaders({ headers, metadata, tags }: ObjectAttributes): Record<string, string> {
  const tagCount = Object.keys(tags).length;
  return {
    "content-type": DEFAULT_CONTENT_TYPE,
    ...headers,
    ...Object.fromEntries(
      Object.entries(metadata).map(([key, value]) => [`${METADATA_PREFIX}${key}`, value]),
    ),
    ...(tagCount > 0 ? { "x-amz-tagging-count": String(tagCount) } : {}),
  };
}
