/** What the headers promise about a body, checked before a byte of it is read: its length and its digests. */
import type { Payload } from "./payload.ts";
import {
  checksumHeaderName,
  CHECKSUM_ALGORITHMS,
  isChecksumValue,
  parseChecksumAlgorithm,
  type ChecksumAlgorithm,
} from "./checksums.ts";
import { S3Error } from "./errors.ts";
import type { RequestHeaders } from "./request-headers.ts";

export interface DeclaredChecksum {
  algorithm: ChecksumAlgorithm;
  /** Undefined when the value follows in the trailer. */
  value: string | undefined;
}

export interface BodyPlan {
  /** Of the content itself, without chunk framing. */
  length: number;
  payload: Payload;
  contentMd5: Buffer | undefined;
  checksum: DeclaredChecksum | undefined;
}

const CHECKSUM_PREFIX = "x-amz-checksum-";
/** These share the prefix but hold no checksum. */
const NOT_A_CHECKSUM = new Set([
  `${CHECKSUM_PREFIX}algorithm`,
  `${CHECKSUM_PREFIX}type`,
  `${CHECKSUM_PREFIX}mode`,
]);

export function planBody(headers: RequestHeaders, payload: Payload, maxBytes: number): BodyPlan {
  const length = readLength(headers, payload);
  if (length > maxBytes) {
    throw new S3Error("EntityTooLarge", {
      fields: { ProposedSize: String(length), MaxSizeAllowed: String(maxBytes) },
    });
  }
  return {
    length,
    payload,
    contentMd5: readContentMd5(headers),
    checksum: readDeclaredChecksum(headers, payload),
  };
}

function readLength(headers: RequestHeaders, payload: Payload): number {
  const text =
    payload.kind === "chunked" ? headers.get("x-amz-decoded-content-length") : headers.get("content-length");
  if (text === undefined) throw new S3Error("MissingContentLength");
  if (!/^\d{1,15}$/.test(text)) {
    throw new S3Error("InvalidArgument", { message: `The length of the body is not a number: ${text}` });
  }
  return Number(text);
}

function readContentMd5(headers: RequestHeaders): Buffer | undefined {
  const text = headers.get("content-md5");
  if (text === undefined) return undefined;
  const digest = Buffer.from(text, "base64");
  if (digest.length !== 16 || digest.toString("base64") !== text) {
    throw new S3Error("InvalidDigest", { message: "The Content-MD5 you specified is not valid." });
  }
  return digest;
}

/** The `x-amz-checksum-<algorithm>` header of the request, if there is one. */
export function readChecksumHeader(
  headers: RequestHeaders,
): { algorithm: ChecksumAlgorithm; value: string } | undefined {
  const given = [...headers].filter(
    ([name]) => name.startsWith(CHECKSUM_PREFIX) && !NOT_A_CHECKSUM.has(name),
  );
  if (given.length > 1) {
    throw new S3Error("InvalidRequest", {
      message: "Expecting a single x-amz-checksum- header. Multiple checksum types are not allowed.",
    });
  }
  const [name, value] = given[0] ?? [];
  if (name === undefined || value === undefined) return undefined;
  return { algorithm: algorithmOfHeader(name), value };
}

function algorithmOfHeader(name: string): ChecksumAlgorithm {
  const algorithm = CHECKSUM_ALGORITHMS.find((known) => checksumHeaderName(known) === name);
  if (algorithm !== undefined) return algorithm;
  throw new S3Error("NotImplemented", {
    message: `${name} is not implemented; this store verifies ${CHECKSUM_ALGORITHMS.join(", ")}.`,
  });
}

function readDeclaredChecksum(headers: RequestHeaders, payload: Payload): DeclaredChecksum | undefined {
  const header = readChecksumHeader(headers);
  if (header !== undefined && !isChecksumValue(header.algorithm, header.value)) {
    throw new S3Error("InvalidRequest", {
      message: `Value for ${checksumHeaderName(header.algorithm)} header is invalid.`,
    });
  }
  const trailer = readAnnouncedTrailer(headers, payload);
  if (header !== undefined && trailer !== undefined) {
    throw new S3Error("InvalidRequest", {
      message: "Expecting a single x-amz-checksum- header, not a trailer as well.",
    });
  }
  const declared = header ?? (trailer && { algorithm: trailer, value: undefined });

  const sdkAlgorithm = headers.get("x-amz-sdk-checksum-algorithm");
  if (sdkAlgorithm !== undefined && parseChecksumAlgorithm(sdkAlgorithm) !== declared?.algorithm) {
    throw new S3Error("InvalidRequest", {
      message:
        "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
    });
  }
  return declared;
}

function readAnnouncedTrailer(headers: RequestHeaders, payload: Payload): ChecksumAlgorithm | undefined {
  const names = headers.get("x-amz-trailer");
  if (names === undefined) return undefined;
  if (payload.kind !== "chunked" || !payload.hasTrailer) {
    throw new S3Error("InvalidRequest", {
      message: "x-amz-trailer needs an x-amz-content-sha256 of STREAMING-…-TRAILER.",
    });
  }
  return algorithmOfHeader(names.trim().toLowerCase());
}
