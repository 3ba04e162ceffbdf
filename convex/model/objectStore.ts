/** The bucket as reconcile and quarantine need it: list, head, copy, delete. Node actions only; knows nothing of records. */
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NotFound,
} from "@aws-sdk/client-s3";
import { createS3Client } from "./s3Client.ts";
import type { StorageAccess } from "./storageEnv.ts";

export interface ListedObject {
  s3Key: string;
  size: number;
  etag: string;
  lastModified: number;
}

export interface ObjectPage {
  objects: ListedObject[];
  isLast: boolean;
}

export type ObjectStore = ReturnType<typeof openObjectStore>;

export function openObjectStore(access: StorageAccess) {
  const Bucket = access.bucket;
  const client = createS3Client(access);

  return {
    /** One page of the objects under the prefix whose keys come after `after`, in key order. */
    async list(prefix: string, after: string | undefined): Promise<ObjectPage> {
      const answer = await client.send(
        new ListObjectsV2Command({
          Bucket,
          Prefix: prefix,
          ...(after === undefined ? {} : { StartAfter: after }),
        }),
      );
      const objects = (answer.Contents ?? []).map(({ Key, Size, ETag, LastModified }) => ({
        s3Key: Key ?? "",
        size: Size ?? 0,
        etag: ETag ?? "",
        lastModified: LastModified?.getTime() ?? 0,
      }));
      return { objects, isLast: answer.IsTruncated !== true };
    },

    /** null only when the store says there is no such object; anything else it may say is an error. */
    async head(s3Key: string): Promise<ListedObject | null> {
      try {
        const answer = await client.send(new HeadObjectCommand({ Bucket, Key: s3Key }));
        return {
          s3Key,
          size: answer.ContentLength ?? 0,
          etag: answer.ETag ?? "",
          lastModified: answer.LastModified?.getTime() ?? 0,
        };
      } catch (fault) {
        if (fault instanceof NotFound) return null;
        throw fault;
      }
    },

    async copy(from: string, to: string): Promise<void> {
      const CopySource = `${Bucket}/${from.split("/").map(encodeURIComponent).join("/")}`;
      await client.send(new CopyObjectCommand({ Bucket, Key: to, CopySource }));
    },

    async remove(s3Key: string): Promise<void> {
      await client.send(new DeleteObjectCommand({ Bucket, Key: s3Key }));
    },

    close(): void {
      client.destroy();
    },
  };
}
