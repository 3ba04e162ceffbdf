/**
 * Multipart uploads whose id nobody knows: the store made one, and its answer was lost or came to a process that was
 * killed. They hold no part, for nobody can send one, and cost nothing, but they stay in the bucket for good.
 */
import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { Call } from "../call.ts";
import { requestS3 } from "./request-s3.ts";

/**
 * Aborts those under this key. It is the key of this very content, so all that can be there besides is another process
 * with the same content: one that has sent a part is left alone, one that has not starts over.
 */
export async function abortNameless(
  client: S3Client,
  where: { Bucket: string; Key: string },
  own: string | undefined,
  call: Call,
): Promise<void> {
  const list = new ListMultipartUploadsCommand({ Bucket: where.Bucket, Prefix: where.Key });
  const { Uploads = [] } = await requestS3(call, "ListMultipartUploads", (options) =>
    client.send(list, options),
  );
  for (const { Key, UploadId } of Uploads) {
    if (Key !== where.Key || UploadId === undefined || UploadId === own) continue;
    const upload = { ...where, UploadId };
    const { Parts = [] } = await requestS3(call, "ListParts", (options) =>
      client.send(new ListPartsCommand({ ...upload, MaxParts: 1 }), options),
    );
    if (Parts.length > 0) continue;
    await requestS3(call, "AbortMultipartUpload", (options) =>
      client.send(new AbortMultipartUploadCommand(upload), options),
    );
  }
}
