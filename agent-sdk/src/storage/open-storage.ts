/** The backend of `STORAGE_TYPE`, as the upload line and as the caller use it; both share one connection and one quota. */
import type { S3Client } from "@aws-sdk/client-s3";
import type { Config, LocalStorageConfig } from "../config.ts";
import type { Events } from "../events.ts";
import type { Guard } from "../resilience/guard.ts";
import { createObjectStore, type ObjectStore } from "../s3/object-store.ts";
import type { TransferSlots } from "../s3/transfer-slots.ts";
import { sizeOf } from "./file-listing.ts";
import { createLocalObjectStore } from "./local-object-store.ts";
import { createLocalStorage, pages } from "./local-storage.ts";
import { createLocalTree } from "./local-tree.ts";
import { createLocalUrls } from "./local-urls.ts";
import { createS3Storage } from "./s3-storage.ts";
import { createQuota, type StorageQuota } from "./storage-quota.ts";
import type { StorageBackend } from "./storage-backend.ts";

export interface OpenedStorage {
  objects: ObjectStore;
  storage: StorageBackend;
}

export interface StorageParts {
  client: S3Client;
  slots: TransferSlots;
  guard: Guard;
  events: Events;
}

export function openStorage(config: Config, parts: StorageParts): OpenedStorage {
  return config.storageType === "LOCAL" ? openLocalStorage(config, parts) : openS3Storage(config, parts);
}

export function openS3Storage(config: Config, { client, slots, guard, events }: StorageParts): OpenedStorage {
  const quota: StorageQuota = createQuota(config.s3.maxBytes, () => storage.getTotalSize());
  const objects = createObjectStore(config.s3, slots, guard, events, client, quota);
  const storage = createS3Storage({
    client,
    config: config.s3,
    objects,
    slots,
    guard,
    quota,
    timeoutMs: config.timeoutMs,
  });
  return { objects, storage };
}

export function openLocalStorage(config: Config, { slots }: Pick<StorageParts, "slots">): OpenedStorage {
  const { local, s3, timeoutMs } = config;
  const tree = createLocalTree(local.dir);
  const quota = createQuota(local.maxBytes, () => sizeOf(pages(tree, "")));
  const { multipartThreshold } = s3;
  const parts = { tree, quota, slots, multipartThreshold, urls: urlsOf(local) };
  const objects = createLocalObjectStore(parts);
  return { objects, storage: createLocalStorage({ ...parts, objects, timeoutMs }) };
}

function urlsOf({ baseUrl, signingKey, presignSeconds }: LocalStorageConfig) {
  return baseUrl === undefined || signingKey === undefined
    ? undefined
    : createLocalUrls({ baseUrl, signingKey, presignSeconds });
}
