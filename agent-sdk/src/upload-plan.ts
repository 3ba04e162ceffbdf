/** Single PUT or equal parts, from the size alone. Pure. */
import {
  MAX_OBJECT_BYTES,
  MAX_PARTS,
  MAX_SINGLE_PUT_BYTES,
  MIB,
  PREFERRED_PART_BYTES,
} from "../../contract/limits.ts";

export type UploadPlan = { kind: "single"; size: number } | MultipartPlan;

export interface MultipartPlan {
  kind: "multipart";
  size: number;
  partSize: number;
  partCount: number;
  /** Whether each part is signed with its own digest, which then has to be taken while hashing. */
  signed: boolean;
}

export interface PlanRules {
  /** Bytes from which on a file goes up in parts. */
  multipartThreshold: number;
  signsParts: boolean;
}

/** The last bytes of a part: `end` is exclusive. `number` counts from 1, as S3 does. */
export interface PartRange {
  number: number;
  start: number;
  end: number;
}

/** Room below S3's 10,000, so that rounding never produces one part too many. */
const PLANNED_PARTS = MAX_PARTS - 500;

export function planUpload(size: number, { multipartThreshold, signsParts }: PlanRules): UploadPlan {
  if (!Number.isSafeInteger(size) || size < 1 || size > MAX_OBJECT_BYTES) {
    throw new RangeError(`cannot plan an upload of ${size} bytes`);
  }
  if (size <= Math.min(multipartThreshold, MAX_SINGLE_PUT_BYTES)) return { kind: "single", size };
  const partSize = partSizeFor(size);
  const partCount = Math.ceil(size / partSize);
  return { kind: "multipart", size, partSize, partCount, signed: signsParts };
}

/** All parts but the last have this size: R2 accepts no others. Grows in whole MiB once 16 MiB parts would be too many. */
export function partSizeFor(size: number): number {
  return Math.max(PREFERRED_PART_BYTES, Math.ceil(size / PLANNED_PARTS / MIB) * MIB);
}

export function* partRanges({ size, partSize }: { size: number; partSize: number }): Generator<PartRange> {
  for (let number = 1, start = 0; start < size; number++, start += partSize) {
    yield { number, start, end: Math.min(start + partSize, size) };
  }
}
