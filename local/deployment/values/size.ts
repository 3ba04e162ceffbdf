import type { Value } from "./value.ts";

/** Bytes a value counts for in the document size limit and in the per-transaction limits. */
export function sizeOf(value: Value): number {
  if (value === null || typeof value === "boolean") return 1;
  if (typeof value === "number" || typeof value === "bigint") return 9;
  if (typeof value === "string") return 2 + Buffer.byteLength(value);
  if (value instanceof ArrayBuffer) return 2 + value.byteLength;
  let size = 2;
  if (Array.isArray(value)) {
    for (const element of value) size += sizeOf(element);
    return size;
  }
  for (const field in value) size += field.length + 1 + sizeOf(value[field]!);
  return size;
}

/** How many containers lie inside one another: 0 for a scalar, 1 for `{}`. */
export function nestingOf(value: Value): number {
  if (value === null || typeof value !== "object" || value instanceof ArrayBuffer) return 0;
  let deepest = 0;
  for (const member of Array.isArray(value) ? value : Object.values(value)) {
    deepest = Math.max(deepest, nestingOf(member));
  }
  return deepest + 1;
}
