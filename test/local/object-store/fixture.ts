/** A running store in a temporary directory, and the official SDK pointed at it. Everything is taken down afterwards. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { S3Client, S3ServiceException, type S3ClientConfig } from "@aws-sdk/client-s3";
import { afterAll, beforeAll } from "vitest";
import {
  startObjectStore,
  type ObjectStore,
  type ObjectStoreOptions,
} from "../../../local/object-store/index.ts";

export const CREDENTIALS = {
  accessKeyId: "test-access-key",
  secretAccessKey: "test-secret/with+odd=characters",
};
export const BUCKET = "media";
export const MIB = 1024 * 1024;

export const temporaryDirectory = (): Promise<string> => mkdtemp(path.join(tmpdir(), "object-store-"));
export const removeDirectory = (directory: string): Promise<void> =>
  rm(directory, { recursive: true, force: true });

export const startIn = (dataDir: string, options: Partial<ObjectStoreOptions> = {}): Promise<ObjectStore> =>
  startObjectStore({ dataDir, credentials: CREDENTIALS, buckets: [BUCKET], ...options });

export const connect = (store: { endpoint: string }, config: S3ClientConfig = {}): S3Client =>
  new S3Client({
    endpoint: store.endpoint,
    region: "us-east-1",
    credentials: CREDENTIALS,
    forcePathStyle: true,
    maxAttempts: 1,
    ...config,
  });

export interface Fixture {
  store: ObjectStore;
  /** Default settings, as an application would have them. */
  s3: S3Client;
  dataDir: string;
}

/** One store for all tests of a file, which therefore use keys of their own. */
export function useObjectStore(options: Partial<ObjectStoreOptions> = {}): Fixture {
  const fixture = {} as Fixture;
  beforeAll(async () => {
    fixture.dataDir = await temporaryDirectory();
    fixture.store = await startIn(fixture.dataDir, options);
    fixture.s3 = connect(fixture.store);
  });
  afterAll(async () => {
    fixture.s3.destroy();
    await fixture.store.close();
    await removeDirectory(fixture.dataDir);
  });
  return fixture;
}

/** The error an SDK call ends with. */
export async function refusal(call: Promise<unknown>): Promise<{ code: string; status: number | undefined }> {
  try {
    await call;
  } catch (error) {
    if (error instanceof S3ServiceException) {
      return { code: error.name, status: error.$metadata.httpStatusCode };
    }
    throw error;
  }
  throw new Error("The call was expected to be refused, and succeeded.");
}

/** Bytes that repeat only after 256 KiB, so that a part put in the wrong place changes the hash. */
export function patternBytes(size: number, seed = 1): Buffer {
  const block = Buffer.alloc(Math.min(size, 256 * 1024));
  let state = seed;
  for (let i = 0; i < block.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    block[i] = state >>> 24;
  }
  return Buffer.alloc(size, block);
}
