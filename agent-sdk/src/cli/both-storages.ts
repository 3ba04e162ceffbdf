/** The bucket and the folder side by side, for commands that move bytes between them. */
import { loadConfig } from "../config.ts";
import { createEvents } from "../events.ts";
import { createCircuitBreaker } from "../resilience/circuit-breaker.ts";
import { createGuard } from "../resilience/guard.ts";
import { createS3Client } from "../s3/s3-client.ts";
import { createTransferSlots } from "../s3/transfer-slots.ts";
import type { Storage } from "../storage/migrate-record.ts";
import { openLocalStorage, openS3Storage } from "../storage/open-storage.ts";
import type { StorageType } from "../storage/storage-backend.ts";
import { MIB } from "../../../contract/limits.ts";
import type { Context } from "./context.ts";

const MEMORY_BYTES = 64 * MIB;

export interface BothStorages extends Record<StorageType, Storage> {
  timeoutMs: number;
  close: () => void;
}

export function openBothStorages(context: Context): BothStorages {
  const config = loadConfig({
    env: context.env,
    storageType: "S3",
    // Of the deployment, nothing.
    convexUrl: "http://unused.invalid",
    agentToken: async () => "",
    ...(context.timeoutMs !== undefined && { timeoutMs: context.timeoutMs }),
  });
  const events = createEvents();
  events.on((event) => {
    if (event.type !== "retry") return;
    context.output.say(`${event.operation}: ${event.code}, trying again (attempt ${event.attempt + 1})`);
  });
  const slots = createTransferSlots({ requests: config.s3.maxConcurrency, bytes: MEMORY_BYTES });
  const breaker = createCircuitBreaker({ name: `s3:${config.s3.bucket}` });
  const guard = createGuard("s3", breaker, config.retry, events);
  const client = createS3Client(config.s3);
  const s3 = openS3Storage(config, { client, slots, guard, events });
  const local = openLocalStorage(config, { slots });
  return {
    s3: { backend: s3.storage, bucket: s3.objects.bucket },
    local: { backend: local.storage, bucket: local.objects.bucket },
    timeoutMs: config.timeoutMs,
    close() {
      s3.objects.close();
      breaker.close();
    },
  };
}
