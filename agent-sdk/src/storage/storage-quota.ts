/**
 * How much a backend may hold, `STORAGE_*_MAX_SIZE_GB`. What is there is measured once and then counted along: what this
 * client stores and deletes at once, what others do when the figure is taken anew. That happens in the background when it
 * is older than five minutes, and before a refusal when it is older than one; never for each upload. Without a limit
 * nothing is measured at all.
 */
import { MINUTE } from "../../../contract/limits.ts";
import { StorageQuotaExceededError } from "../errors.ts";

export interface StorageQuota {
  /** Runs the upload with its bytes reserved; throws before it when they do not fit. */
  during: <T>(size: number, upload: QuotaUpload<T>) => Promise<T>;
  /** Runs the removal, and counts what it freed. */
  freeing: (removal: QuotaRemoval) => Promise<void>;
}

interface QuotaUpload<T> {
  /** Bytes the upload takes the place of; asked only when there is a limit. */
  replaces: () => Promise<number>;
  store: () => Promise<T>;
}

interface QuotaRemoval {
  frees: () => Promise<number>;
  remove: () => Promise<void>;
}

const STALE_MS = 5 * MINUTE;
const STALE_BEFORE_REFUSAL_MS = MINUTE;

export function createQuota(maxBytes: number | undefined, measure: () => Promise<number>): StorageQuota {
  if (maxBytes === undefined) {
    return { during: (_size, { store }) => store(), freeing: ({ remove }) => remove() };
  }
  return createLimit(maxBytes, measure);
}

function createLimit(maxBytes: number, measure: () => Promise<number>): StorageQuota {
  let measured: { bytes: number; at: number } | undefined;
  let measuring: Promise<void> | undefined;
  /** Since the measuring began; it may have seen some of it, which then counts twice until the next one. */
  let storedSince = 0;
  let reserved = 0;

  const used = () => (measured?.bytes ?? 0) + storedSince + reserved;
  const age = () => (measured === undefined ? Number.POSITIVE_INFINITY : performance.now() - measured.at);

  async function takeFigure(): Promise<void> {
    const storedBefore = storedSince;
    const at = performance.now();
    const bytes = await measure();
    measured = { bytes, at };
    storedSince -= storedBefore;
  }

  function measureAgain(): Promise<void> {
    measuring ??= takeFigure().finally(() => (measuring = undefined));
    return measuring;
  }

  async function reserve(growth: number, size: number): Promise<void> {
    if (measured === undefined) await measureAgain();
    // Whoever finds it full asks again what is really there; all who do so at once share one listing.
    if (used() + growth > maxBytes && age() > STALE_BEFORE_REFUSAL_MS) await measureAgain();
    if (used() + growth > maxBytes) {
      throw new StorageQuotaExceededError(size, { usedBytes: used(), maxBytes });
    }
    reserved += growth;
    // An old figure is better than none: what could not be taken is tried again by the next upload.
    if (age() > STALE_MS) measureAgain().catch(() => undefined);
  }

  return {
    async during(size, { replaces, store }) {
      const growth = size - (await replaces());
      await reserve(growth, size);
      try {
        const stored = await store();
        storedSince += growth;
        return stored;
      } finally {
        reserved -= growth;
      }
    },
    async freeing({ frees, remove }) {
      const freed = measured === undefined ? 0 : await frees();
      await remove();
      storedSince -= freed;
    },
  };
}
