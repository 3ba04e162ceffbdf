/**
 * Checks what the demo claims, without asking the SDK: reads the records with an official Convex client and the bytes with an
 * S3 client of its own (or from the folder they are kept in), hashes the bytes, and compares.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { ConvexHttpClient } from "convex/browser";
import type { Asset } from "../contract/asset.ts";
import { api } from "../convex/_generated/api.js";

export interface VerifiedAsset {
  assetId: string;
  s3Key: string;
  size: number;
  sha256: string;
  version: number;
  state: Asset["status"];
  /** What is wrong, in words; absent when the object's bytes hash to its record and the record is ready. */
  fault?: string;
}

/** Where the bytes may be. */
export interface Stores {
  s3: S3Client;
  bucket: string;
  folder: string;
}

export async function verifyAsset(
  convex: ConvexHttpClient,
  stores: Stores,
  assetId: string,
): Promise<VerifiedAsset> {
  const record = await convex.query(api.assets.get, { assetId });
  const facts = {
    assetId,
    s3Key: record.s3Key,
    size: record.size,
    sha256: record.checksum,
    version: record.version,
    state: record.status,
  };
  // A take that a newer one has replaced stays in the history: superseded, and its bytes must still be right.
  if (record.status !== "ready" && record.status !== "superseded")
    return { ...facts, fault: `the record is ${record.status}` };

  const bytes =
    record.storageBackend === "local"
      ? createReadStream(join(stores.folder, record.s3Key))
      : await openObject(stores, record.s3Key);
  const object = await hashBytes(bytes);
  if (object.size !== record.size)
    return { ...facts, fault: `the object has ${object.size} bytes, the record ${record.size}` };
  if (object.sha256 !== record.checksum) return { ...facts, fault: `the object hashes to ${object.sha256}` };
  return facts;
}

async function openObject({ s3, bucket }: Stores, key: string): Promise<AsyncIterable<Uint8Array>> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return Body as AsyncIterable<Uint8Array>;
}

async function hashBytes(chunks: AsyncIterable<Uint8Array>): Promise<{ size: number; sha256: string }> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const bytes of chunks) {
    hash.update(bytes);
    size += bytes.length;
  }
  return { size, sha256: hash.digest("hex") };
}
