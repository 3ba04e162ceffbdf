/**
 * A bucket in memory behind the AWS client's own connections: everything above them runs as it does against a store. It
 * knows the requests the SDK sends, keeps what they say of an object, and has S3's names for what is wrong.
 */
import { createHash, randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import type { HttpRequest, HttpResponse } from "@smithy/types";
import type { S3Config } from "../config.ts";
import { createS3Client } from "../s3/s3-client.ts";
import type { Exchange } from "./injected-faults.ts";

interface Kept {
  bytes: Buffer;
  etag: string;
  /** Content type and metadata, as the headers they came in. */
  described: Record<string, string>;
  lastModified: Date;
}

interface OpenUpload {
  key: string;
  described: Record<string, string>;
  parts: Map<number, Buffer>;
}

interface Request {
  key: string;
  query: Record<string, string | undefined>;
  headers: Record<string, string>;
  body: Buffer;
}

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

const PAGE_SIZE = 1000;

export function createMemoryBucket(config: S3Config, exchange: Exchange) {
  const objects = new Map<string, Kept>();
  const uploads = new Map<string, OpenUpload>();

  const headersOf = ({ bytes, etag, described, lastModified }: Kept) => ({
    ...described,
    "content-length": String(bytes.length),
    etag: `"${etag}"`,
    "last-modified": lastModified.toUTCString(),
  });

  function keep(key: string, bytes: Buffer, described: Kept["described"], etag = md5(bytes)): string {
    objects.set(key, { bytes, etag, described, lastModified: new Date() });
    return `"${etag}"`;
  }

  const OPERATIONS = {
    PutObject({ key, headers, body }: Request): Answer {
      return { status: 200, headers: { etag: keep(key, body, describing(headers)) } };
    },
    CreateMultipartUpload({ key, headers }: Request): Answer {
      const id = randomUUID();
      uploads.set(id, { key, described: describing(headers), parts: new Map() });
      return xml("InitiateMultipartUploadResult", `<UploadId>${id}</UploadId>`);
    },
    UploadPart({ query, body }: Request): Answer {
      const upload = uploads.get(query["uploadId"] ?? "");
      if (upload === undefined) return refused(404, "NoSuchUpload");
      upload.parts.set(Number(query["partNumber"]), body);
      return { status: 200, headers: { etag: `"${md5(body)}"` } };
    },
    CompleteMultipartUpload({ query, body }: Request): Answer {
      const id = query["uploadId"] ?? "";
      const upload = uploads.get(id);
      if (upload === undefined) return refused(404, "NoSuchUpload");
      const numbers = [...body.toString().matchAll(/<PartNumber>(\d+)</g)].map(([, number]) =>
        Number(number),
      );
      const parts = numbers.flatMap((number) => upload.parts.get(number) ?? []);
      if (parts.length !== numbers.length) return refused(400, "InvalidPart");
      uploads.delete(id);
      const whole = Buffer.concat(parts);
      const etag = keep(upload.key, whole, upload.described, `${md5(whole)}-${parts.length}`);
      return xml("CompleteMultipartUploadResult", `<ETag>${etag}</ETag>`);
    },
    AbortMultipartUpload({ query }: Request): Answer {
      return uploads.delete(query["uploadId"] ?? "") ? { status: 204 } : refused(404, "NoSuchUpload");
    },
    ListParts({ query }: Request): Answer {
      const upload = uploads.get(query["uploadId"] ?? "");
      if (upload === undefined) return refused(404, "NoSuchUpload");
      const parts = [...upload.parts].map(([number, bytes]) => {
        const size = `<Size>${bytes.length}</Size><ETag>"${md5(bytes)}"</ETag>`;
        return `<Part><PartNumber>${number}</PartNumber>${size}</Part>`;
      });
      return xml("ListPartsResult", `<IsTruncated>false</IsTruncated>${parts.join("")}`);
    },
    HeadObject({ key }: Request): Answer {
      const kept = objects.get(key);
      return kept === undefined ? { status: 404 } : { status: 200, headers: headersOf(kept) };
    },
    GetObject({ key, headers }: Request): Answer {
      const kept = objects.get(key);
      if (kept === undefined) return refused(404, "NoSuchKey");
      const [, start = "0"] = /^bytes=(\d+)-$/.exec(headers["range"] ?? "") ?? [];
      const body = kept.bytes.subarray(Number(start));
      return {
        status: 200,
        headers: { ...headersOf(kept), "content-length": String(body.length) },
        body,
      };
    },
    DeleteObject({ key }: Request): Answer {
      objects.delete(key);
      return { status: 204 };
    },
    ListObjectsV2({ query }: Request): Answer {
      const { prefix = "", "continuation-token": after = "", "max-keys": most = PAGE_SIZE } = query;
      const keys = sortedKeys().filter((key) => key.startsWith(prefix) && key > after);
      const page = keys.slice(0, Number(most));
      const contents = page.flatMap((key) => {
        const kept = objects.get(key);
        if (kept === undefined) return [];
        const { bytes, etag, lastModified } = kept;
        const facts = `<Size>${bytes.length}</Size><ETag>"${etag}"</ETag>`;
        const modified = `<LastModified>${lastModified.toISOString()}</LastModified>`;
        return `<Contents><Key>${escaped(key)}</Key>${facts}${modified}</Contents>`;
      });
      const isTruncated = page.length < keys.length;
      const next = `<NextContinuationToken>${escaped(page.at(-1) ?? "")}</NextContinuationToken>`;
      const rest = `<IsTruncated>${isTruncated}</IsTruncated>${isTruncated ? next : ""}`;
      return xml("ListBucketResult", rest + contents.join(""));
    },
  };
  type Operation = keyof typeof OPERATIONS;
  const READS: readonly Operation[] = ["HeadObject", "GetObject", "ListObjectsV2", "ListParts"];

  function operationOf(method: string, { key, query }: Request): Operation | undefined {
    const ofUpload = query["uploadId"] !== undefined;
    switch (method) {
      case "PUT":
        return ofUpload ? "UploadPart" : "PutObject";
      case "POST":
        return ofUpload
          ? "CompleteMultipartUpload"
          : "uploads" in query
            ? "CreateMultipartUpload"
            : undefined;
      case "DELETE":
        return ofUpload ? "AbortMultipartUpload" : "DeleteObject";
      case "HEAD":
        return "HeadObject";
      case "GET":
        return ofUpload ? "ListParts" : key === "" ? "ListObjectsV2" : "GetObject";
      default:
        return undefined;
    }
  }

  async function handle(
    { method, path, query = {}, headers, body }: HttpRequest,
    { abortSignal }: { abortSignal?: AbortSignal } = {},
  ): Promise<{ response: HttpResponse }> {
    await Promise.resolve();
    abortSignal?.throwIfAborted();
    const request: Request = {
      key: path.split("/").slice(2).map(decodeURIComponent).join("/"),
      query: query as Request["query"],
      headers,
      body: copyOf(body),
    };
    const operation = operationOf(method, request);
    if (operation === undefined) return responseOf(refused(501, "NotImplemented"));
    return exchange("s3", !READS.includes(operation), () => responseOf(OPERATIONS[operation](request)));
  }

  const sortedKeys = () => [...objects.keys()].sort();
  const client: S3Client = createS3Client(config);
  Object.assign(client.config.requestHandler, { handle });
  return { client, bytesOf: (key: string) => objects.get(key)?.bytes, keys: sortedKeys };
}

/** The buffers of a transfer are used again for the next one. */
function copyOf(body: unknown): Buffer {
  if (body === undefined) return Buffer.alloc(0);
  if (body instanceof Uint8Array || typeof body === "string") return Buffer.from(body as string);
  throw new TypeError("the bucket in memory takes bytes, not streams");
}

function describing(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name === "content-type" || name.startsWith("x-amz-meta-")),
  );
}

function responseOf({ status, headers = {}, body = "" }: Answer): { response: HttpResponse } {
  return { response: { statusCode: status, headers, body: Readable.from([Buffer.from(body)]) } };
}

function xml(root: string, content: string): Answer {
  return { status: 200, body: `<?xml version="1.0" encoding="UTF-8"?><${root}>${content}</${root}>` };
}

function refused(status: number, code: string): Answer {
  return { ...xml("Error", `<Code>${code}</Code><Message>${code}</Message>`), status };
}

function escaped(text: string): string {
  return text.replace(/[&<>\p{Cc}]/gu, (character) => `&#${character.codePointAt(0)};`);
}

function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}
