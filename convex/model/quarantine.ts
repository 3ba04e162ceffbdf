/** Moves one claimed object aside: copy, verify the copy, only then delete. The claim keeps every upload off the key meanwhile. */
import type { ObjectStore } from "./objectStore.ts";

export type QuarantineOutcome =
  { state: "quarantined"; quarantineKey: string } | { state: "cancelled"; note: string };

/** S3 copies at most this much in one call. */
const MAX_COPY_BYTES = 5 * 1024 ** 3;

export async function quarantineObject(
  store: ObjectStore,
  base: string,
  object: { s3Key: string; etag?: string | undefined },
): Promise<QuarantineOutcome> {
  const found = await store.head(object.s3Key);
  if (found === null) return { state: "cancelled", note: "The object is gone already." };
  if (object.etag !== undefined && found.etag !== object.etag) {
    return { state: "cancelled", note: "The object was replaced since the report." };
  }
  if (found.size > MAX_COPY_BYTES) {
    throw new Error(`${found.size} bytes are more than S3 copies in one call (5 GiB): move it by hand.`);
  }
  const quarantineKey = quarantineKeyOf(base, object.s3Key);
  await store.copy(object.s3Key, quarantineKey);
  const copy = await store.head(quarantineKey);
  if (copy?.size !== found.size) throw new Error("The copy in quarantine is not of the object's size.");
  await store.remove(object.s3Key);
  return { state: "quarantined", quarantineKey };
}

/** `{base}/quarantine/…` beside `{base}/t/…`: outside every tenant's prefix, so no listing of records finds it again. */
function quarantineKeyOf(base: string, s3Key: string): string {
  const prefix = base
    .split("/")
    .filter((part) => part !== "")
    .map((part) => `${part}/`)
    .join("");
  return `${prefix}quarantine/${s3Key.startsWith(prefix) ? s3Key.slice(prefix.length) : s3Key}`;
}
