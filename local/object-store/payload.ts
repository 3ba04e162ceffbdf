/** How a request vouches for its body: the meanings of `x-amz-content-sha256`. */
import { S3Error } from "./errors.ts";

const STREAMING_PAYLOADS = [
  "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
] as const;

/** How the client vouches for the body. */
export type Payload =
  | { kind: "unsigned" }
  | { kind: "sha256"; hex: string }
  | { kind: "chunked"; signing: ChunkSigning | undefined; hasTrailer: boolean };

export interface ChunkSigning {
  signingKey: Buffer;
  amzDate: string;
  scope: string;
  seedSignature: string;
}

/** `signing` continues from the signature of the request itself. */
export function describePayload(payloadHash: string, signing: ChunkSigning): Payload {
  if (payloadHash === "UNSIGNED-PAYLOAD") return { kind: "unsigned" };
  if (/^[0-9a-f]{64}$/i.test(payloadHash)) return { kind: "sha256", hex: payloadHash.toLowerCase() };
  switch (STREAMING_PAYLOADS.find((known) => known === payloadHash)) {
    case "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
      return { kind: "chunked", signing: undefined, hasTrailer: true };
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
      return { kind: "chunked", signing, hasTrailer: payloadHash.endsWith("-TRAILER") };
    case undefined:
      break;
  }
  if (payloadHash.startsWith("STREAMING-AWS4-ECDSA-")) {
    throw new S3Error("NotImplemented", { message: "Signature Version 4A is not implemented." });
  }
  throw new S3Error("InvalidArgument", {
    message: `x-amz-content-sha256 must be UNSIGNED-PAYLOAD, ${STREAMING_PAYLOADS.join(", ")}, or a valid sha256 value.`,
  });
}
