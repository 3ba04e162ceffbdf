/** S3's additional checksums: names, headers, hashing, and the value of a multipart object from those of its parts. */
import { createHash } from "node:crypto";
import {
  combineCrc,
  CRC32,
  CRC32C,
  CRC64NVME,
  Crc32c,
  Crc64Nvme,
  NativeCrc32,
  type CrcParameters,
} from "./crc.ts";

export const CHECKSUM_ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** COMPOSITE is the checksum of the parts' checksums, written `value-N`; FULL_OBJECT that of the bytes themselves. */
export type ChecksumType = "COMPOSITE" | "FULL_OBJECT";

export interface Checksum {
  algorithm: ChecksumAlgorithm;
  type: ChecksumType;
  /** Base64, with `-N` after it when composite. */
  value: string;
}

export interface Hasher {
  update(chunk: Uint8Array): unknown;
  digest(): Buffer;
}

const DIGEST_BYTES: Record<ChecksumAlgorithm, number> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};
const CRCS: Partial<Record<ChecksumAlgorithm, CrcParameters>> = { CRC32, CRC32C, CRC64NVME };

export function parseChecksumAlgorithm(name: string): ChecksumAlgorithm | undefined {
  const upper = name.toUpperCase();
  return CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === upper);
}

export const checksumHeaderName = (algorithm: ChecksumAlgorithm): string =>
  `x-amz-checksum-${algorithm.toLowerCase()}`;

export function createHasher(algorithm: ChecksumAlgorithm): Hasher {
  switch (algorithm) {
    case "CRC32":
      return new NativeCrc32();
    case "CRC32C":
      return new Crc32c();
    case "CRC64NVME":
      return new Crc64Nvme();
    case "SHA1":
    case "SHA256":
      return createHash(algorithm.toLowerCase());
    default:
      return algorithm satisfies never;
  }
}

export function isChecksumValue(algorithm: ChecksumAlgorithm, value: string): boolean {
  const bytes = Buffer.from(value, "base64");
  return bytes.length === DIGEST_BYTES[algorithm] && bytes.toString("base64") === value;
}

export const defaultChecksumType = (algorithm: ChecksumAlgorithm): ChecksumType =>
  algorithm === "CRC64NVME" ? "FULL_OBJECT" : "COMPOSITE";

/** SHA values cannot be combined, and S3 defines CRC64NVME for whole objects only. */
export function supportsChecksumType(algorithm: ChecksumAlgorithm, type: ChecksumType): boolean {
  return type === "COMPOSITE" ? algorithm !== "CRC64NVME" : CRCS[algorithm] !== undefined;
}

export function multipartChecksum(
  algorithm: ChecksumAlgorithm,
  type: ChecksumType,
  parts: readonly { size: number; checksum: string }[],
): Checksum {
  const crc = CRCS[algorithm];
  if (type === "FULL_OBJECT" && crc !== undefined) {
    const [first, ...rest] = parts.map(({ size, checksum }) => ({
      size,
      digest: Buffer.from(checksum, "base64"),
    }));
    let digest: Buffer = first!.digest;
    for (const part of rest) digest = combineCrc(digest, part.digest, part.size, crc);
    return { algorithm, type, value: digest.toString("base64") };
  }
  const hasher = createHasher(algorithm);
  for (const { checksum } of parts) hasher.update(Buffer.from(checksum, "base64"));
  return { algorithm, type, value: `${hasher.digest().toString("base64")}-${parts.length}` };
}
