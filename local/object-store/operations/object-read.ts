/** GetObject, HeadObject and GetObjectAttributes. */
import type { StoredObject } from "../catalog.ts";
import { checksumHeaderName, type Checksum } from "../checksums.ts";
import { allowsRange, isUnmodifiedForReader, quote } from "../conditions.ts";
import { S3Error } from "../errors.ts";
import { attributeHeaders } from "../object-attributes.ts";
import { parseRange, type RangeOutcome } from "../range.ts";
import {
  requireTarget,
  xmlReply,
  type Handler,
  type ObjectBytes,
  type OperationContext,
  type Reply,
} from "../request.ts";
import type { RequestHeaders } from "../request-headers.ts";
import { element, xmlDocument } from "../xml.ts";
import { readLimit } from "./list-page.ts";

/** The object the request names; there is only the null version of it. */
export function requireObject(context: OperationContext): StoredObject {
  const { bucket, key } = requireTarget(context);
  const versionId = context.request.target.query.get("versionId");
  const object = bucket.objects.get(key);
  if (object !== undefined && versionId !== undefined && versionId !== "null") {
    throw new S3Error("NoSuchVersion", { fields: { Key: key, VersionId: versionId } });
  }
  if (object === undefined) throw new S3Error("NoSuchKey", { fields: { Key: key } });
  return object;
}

export const checksumHeaders = (checksum: Checksum | undefined): Record<string, string> =>
  checksum === undefined
    ? {}
    : { [checksumHeaderName(checksum.algorithm)]: checksum.value, "x-amz-checksum-type": checksum.type };

export const checksumXml = (checksum: Checksum | undefined): string =>
  checksum === undefined
    ? ""
    : element(`Checksum${checksum.algorithm}`, checksum.value) + element("ChecksumType", checksum.type);

type Selection = Exclude<RangeOutcome, { kind: "unsatisfiable" }>;

function selectBytes(context: OperationContext, object: StoredObject): Selection {
  const { headers, target } = context.request;
  const range = headers.get("range");
  const partNumber = target.query.get("partNumber");
  if (partNumber !== undefined) {
    if (range !== undefined) {
      throw new S3Error("InvalidRequest", {
        message: "Cannot specify both Range header and partNumber query parameter.",
      });
    }
    return selectPart(object, partNumber);
  }
  if (range === undefined || !allowsRange(headers.get("if-range"), object)) return { kind: "full" };
  const outcome = parseRange(range, object.size);
  if (outcome.kind !== "unsatisfiable") return outcome;
  throw new S3Error("InvalidRange", {
    fields: { RangeRequested: range, ActualObjectSize: String(object.size) },
    headers: { "content-range": `bytes */${object.size}` },
  });
}

function selectPart(object: StoredObject, text: string): Selection {
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 10_000) {
    throw new S3Error("InvalidArgument", {
      message: "Part number must be an integer between 1 and 10000, inclusive",
    });
  }
  const sizes = object.partSizes ?? [object.size];
  const index = Number(text) - 1;
  const size = sizes[index];
  if (size === undefined) {
    throw new S3Error("InvalidPartNumber", {
      fields: { PartNumberRequested: text, ActualPartCount: String(sizes.length) },
    });
  }
  if (size === 0) return { kind: "full" };
  const start = sizes.slice(0, index).reduce((sum, each) => sum + each, 0);
  return { kind: "partial", start, end: start + size - 1 };
}

/** `response-content-type` and the like, which only a signed request may carry, and every request here is signed. */
function responseOverrides(query: ReadonlyMap<string, string>): Record<string, string> {
  const overrides: Record<string, string> = {};
  for (const [name, value] of query) {
    if (!name.startsWith("response-")) continue;
    if (/[\u0000-\u001f\u007f]/.test(value)) {
      throw new S3Error("InvalidArgument", { message: `${name} holds a control character.` });
    }
    overrides[name.slice("response-".length)] = Buffer.from(value, "utf8").toString("latin1");
  }
  return overrides;
}

const wantsChecksum = (headers: RequestHeaders): boolean =>
  headers.get("x-amz-checksum-mode")?.toUpperCase() === "ENABLED";

function describe(context: OperationContext): { reply: Reply; object: StoredObject; selection: Selection } {
  const { headers, target } = context.request;
  const object = requireObject(context);
  const identity = {
    etag: quote(object.etag),
    "last-modified": new Date(object.modifiedMs).toUTCString(),
  };
  const attributes = { ...attributeHeaders(object), ...responseOverrides(target.query) };
  if (isUnmodifiedForReader(headers, object)) {
    const cacheControl = attributes["cache-control"];
    const caching = cacheControl === undefined ? {} : { "cache-control": cacheControl };
    return {
      reply: { status: 304, headers: { ...identity, ...caching } },
      object,
      selection: { kind: "full" },
    };
  }
  const selection = selectBytes(context, object);
  const isPartial = selection.kind === "partial";
  const partCount = target.query.has("partNumber") ? object.partSizes?.length : undefined;
  const reply: Reply = {
    status: isPartial ? 206 : 200,
    headers: {
      ...identity,
      ...attributes,
      "accept-ranges": "bytes",
      "content-length": String(isPartial ? selection.end - selection.start + 1 : object.size),
      ...(isPartial ? { "content-range": `bytes ${selection.start}-${selection.end}/${object.size}` } : {}),
      ...(!isPartial && wantsChecksum(headers) ? checksumHeaders(object.checksum) : {}),
      ...(partCount === undefined ? {} : { "x-amz-mp-parts-count": String(partCount) }),
    },
  };
  return { reply, object, selection };
}

export const HeadObject: Handler = (context) => describe(context).reply;

export const GetObject: Handler = async (context) => {
  const { reply, object, selection } = describe(context);
  if (reply.status === 304 || object.size === 0) return reply;
  const { start, end } = selection.kind === "partial" ? selection : { start: 0, end: object.size - 1 };
  return { ...reply, body: await openBytes(context, object, start, end) };
};

/** From here on the object may be replaced or deleted: these bytes stay readable until released. */
async function openBytes(
  { store }: OperationContext,
  object: StoredObject,
  start: number,
  end: number,
): Promise<ObjectBytes> {
  const { segments } = object;
  store.segments.retain(segments);
  const rest = store.segments.read(segments, start, end);
  const release = (): void => {
    void rest.return(undefined);
    store.segments.release(segments);
  };
  try {
    // Before the status line is sent: a damaged file can still be answered with a 500.
    const first = await rest.next();
    return { chunks: joined(first, rest), release };
  } catch (error) {
    release();
    throw error;
  }
}

async function* joined(first: IteratorResult<Buffer>, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (first.done !== true) yield first.value;
  yield* rest;
}

const ATTRIBUTES = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

export const GetObjectAttributes: Handler = (context) => {
  const { headers } = context.request;
  const object = requireObject(context);
  const wanted = (headers.get("x-amz-object-attributes") ?? "").split(",").map((name) => name.trim());
  if (wanted.some((name) => !ATTRIBUTES.includes(name))) {
    throw new S3Error("InvalidArgument", { message: "Invalid attribute name specified." });
  }
  const write: Record<string, () => string> = {
    ETag: () => element("ETag", object.etag),
    Checksum: () =>
      object.checksum === undefined ? "" : `<Checksum>${checksumXml(object.checksum)}</Checksum>`,
    ObjectParts: () => objectPartsXml(object, headers),
    StorageClass: () => element("StorageClass", "STANDARD"),
    ObjectSize: () => element("ObjectSize", object.size),
  };
  const content = ATTRIBUTES.filter((name) => wanted.includes(name)).map((name) => write[name]!());
  return xmlReply(xmlDocument("GetObjectAttributesResponse", content.join("")), {
    "last-modified": new Date(object.modifiedMs).toUTCString(),
  });
};

function objectPartsXml({ partSizes }: StoredObject, headers: RequestHeaders): string {
  if (partSizes === undefined) return "";
  const limit = readLimit(headers.get("x-amz-max-parts"), "x-amz-max-parts");
  const marker = Number(headers.get("x-amz-part-number-marker") ?? 0);
  const parts = partSizes
    .map((size, index) => ({ partNumber: index + 1, size }))
    .filter(({ partNumber }) => partNumber > marker)
    .slice(0, limit);
  const last = parts.at(-1)?.partNumber ?? marker;
  const content =
    element("PartsCount", partSizes.length) +
    element("PartNumberMarker", marker) +
    element("NextPartNumberMarker", last) +
    element("MaxParts", limit) +
    element("IsTruncated", last < partSizes.length) +
    parts
      .map((part) => `<Part>${element("PartNumber", part.partNumber)}${element("Size", part.size)}</Part>`)
      .join("");
  return `<ObjectParts>${content}</ObjectParts>`;
}
