/** The shapes that travel through the pipeline: an authenticated request in, a reply out. */
import type { IncomingMessage } from "node:http";
import type { Payload } from "./payload.ts";
import type { Bucket } from "./catalog.ts";
import { S3Error } from "./errors.ts";
import type { RequestHeaders } from "./request-headers.ts";
import type { RequestTarget } from "./request-target.ts";
import type { Store } from "./store.ts";

export interface S3Request {
  id: string;
  method: string;
  target: RequestTarget;
  /** Including those a presigned URL carries in its query. */
  headers: RequestHeaders;
  payload: Payload;
  incoming: IncomingMessage;
  /** Says `100 Continue` to a client that waits for it. Nothing reads the body before. */
  acceptBody(): void;
}

/** Bytes of an object on their way out. They hold their files open to deletion until released. */
export interface ObjectBytes {
  chunks: AsyncIterable<Buffer>;
  release(): void;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: string | ObjectBytes;
}

export interface OperationContext {
  request: S3Request;
  store: Store;
  /** The account that owns every bucket. */
  ownerId: string;
}

export type Handler = (context: OperationContext) => Reply | Promise<Reply>;

export const xmlReply = (body: string, headers: Record<string, string> = {}): Reply => ({
  status: 200,
  headers: { "content-type": "application/xml", ...headers },
  body,
});

export function requireBucket({ store }: OperationContext, name: string | undefined): Bucket {
  const bucket = store.buckets.get(name ?? "");
  if (bucket === undefined) throw new S3Error("NoSuchBucket", { fields: { BucketName: name ?? "" } });
  return bucket;
}

/** The bucket and key the request names. Ask again after every `await`: the bucket may have gone meanwhile. */
export function requireTarget(context: OperationContext): { bucket: Bucket; key: string } {
  const { bucket, key } = context.request.target;
  return { bucket: requireBucket(context, bucket), key: key ?? "" };
}
