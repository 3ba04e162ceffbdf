/**
 * Decoder of the `aws-chunked` content encoding:
 *
 *   hex-size[;chunk-signature=64 hex]\r\n  data  \r\n   …   0[;chunk-signature=…]\r\n  [name:value\r\n …]  \r\n
 *
 * Fed whatever the socket delivered, since its chunks have nothing to do with those of TCP or of HTTP. Not a stream: the
 * caller already has one, and a plain call per buffer costs less than a second set of queues. Data is handed on before
 * its signature is known to be right; the caller commits nothing until `finish` has returned.
 */
import { createHash, type Hash } from "node:crypto";
import { S3Error } from "./errors.ts";
import type { ChunkSigning } from "./payload.ts";
import { chunkStringToSign, isSame, sign, trailerStringToSign } from "./signature.ts";

const MAX_SIZE_LINE_BYTES = 16 * 1024;
const MAX_TRAILER_BYTES = 8 * 1024;
const NEWLINE = 0x0a;
const TRAILER_SIGNATURE = "x-amz-trailer-signature";

const malformed = (what: string): S3Error =>
  new S3Error("InvalidRequest", { message: `The aws-chunked body is not well-formed: ${what}.` });

export class ChunkedDecoder {
  readonly #signing: ChunkSigning | undefined;
  #previousSignature: string;
  #state: "size" | "data" | "dataEnd" | "trailer" = "size";
  /** The unfinished size line, the two bytes after the data, or everything after the last chunk. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #dataLeft = 0;
  #chunkHash: Hash | undefined;
  #chunkSignature = "";

  constructor(signing: ChunkSigning | undefined) {
    this.#signing = signing;
    this.#previousSignature = signing?.seedSignature ?? "";
  }

  /** The data in this piece of the body. */
  decode(input: Buffer): Buffer[] {
    const output: Buffer[] = [];
    let rest = input;
    while (rest.length > 0) {
      switch (this.#state) {
        case "size":
          rest = this.#readSizeLine(rest);
          break;
        case "data": {
          const data = rest.subarray(0, this.#dataLeft);
          rest = rest.subarray(data.length);
          this.#dataLeft -= data.length;
          this.#chunkHash?.update(data);
          output.push(data);
          if (this.#dataLeft === 0) this.#state = "dataEnd";
          break;
        }
        case "dataEnd":
          rest = this.#readDataEnd(rest);
          break;
        case "trailer":
          this.#hold(rest, MAX_TRAILER_BYTES, "its trailer is too long");
          rest = rest.subarray(rest.length);
          break;
        default:
          this.#state satisfies never;
      }
    }
    return output;
  }

  /** Call when the body has ended. Returns the trailer fields, verified when the body is signed. */
  finish(expectsTrailer: boolean): Map<string, string> {
    if (this.#state !== "trailer") {
      throw new S3Error("IncompleteBody", {
        message: "The aws-chunked body ended before its last, empty chunk.",
      });
    }
    const fields = this.#takeHeld()
      .toString("utf8")
      .split(/\r?\n/)
      .filter((line) => line !== "")
      .map((line) => {
        const colon = line.indexOf(":");
        if (colon <= 0) throw malformed("a trailer line has no name");
        return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const;
      });
    const trailer = new Map(fields.filter(([name]) => name !== TRAILER_SIGNATURE));
    if (!expectsTrailer && fields.length > 0) throw malformed("it has a trailer that was not announced");
    if (this.#signing !== undefined && expectsTrailer) {
      this.#verifyTrailer(this.#signing, trailer, new Map(fields).get(TRAILER_SIGNATURE));
    }
    return trailer;
  }

  #readSizeLine(input: Buffer): Buffer {
    const newline = input.indexOf(NEWLINE);
    if (newline === -1) {
      this.#hold(input, MAX_SIZE_LINE_BYTES, "a chunk's size line is too long");
      return input.subarray(input.length);
    }
    this.#hold(input.subarray(0, newline), MAX_SIZE_LINE_BYTES, "a chunk's size line is too long");
    const line = this.#takeHeld().toString("latin1");
    const match = /^([0-9a-f]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?\r$/i.exec(line);
    if (match === null) throw malformed("a chunk's size line is not hex-size[;chunk-signature=…]");
    this.#dataLeft = Number.parseInt(match[1]!, 16);
    this.#chunkSignature = match[2] ?? "";
    if (this.#signing !== undefined) this.#chunkHash = createHash("sha256");
    if (this.#dataLeft > 0) {
      this.#state = "data";
    } else {
      this.#verifyChunk();
      this.#state = "trailer";
    }
    return input.subarray(newline + 1);
  }

  #readDataEnd(input: Buffer): Buffer {
    const taken = input.subarray(0, 2 - this.#heldBytes);
    this.#hold(taken, 2, "a chunk is longer than its size");
    if (this.#heldBytes === 2) {
      if (this.#takeHeld().toString("latin1") !== "\r\n") throw malformed("a chunk is longer than its size");
      this.#verifyChunk();
      this.#state = "size";
    }
    return input.subarray(taken.length);
  }

  #verifyChunk(): void {
    if (this.#signing === undefined || this.#chunkHash === undefined) return;
    const { amzDate, scope, signingKey } = this.#signing;
    const chunkHash = this.#chunkHash.digest("hex");
    const expected = sign(signingKey, chunkStringToSign(amzDate, scope, this.#previousSignature, chunkHash));
    if (!isSame(expected, this.#chunkSignature)) {
      throw new S3Error("SignatureDoesNotMatch", {
        message: "The signature of a chunk of the body does not match.",
      });
    }
    this.#previousSignature = expected;
  }

  #verifyTrailer(
    signing: ChunkSigning,
    trailer: ReadonlyMap<string, string>,
    signature: string | undefined,
  ): void {
    const text = [...trailer].map(([name, value]) => `${name}:${value}\n`).join("");
    const trailerHash = createHash("sha256").update(text).digest("hex");
    const { amzDate, scope, signingKey } = signing;
    const expected = sign(
      signingKey,
      trailerStringToSign(amzDate, scope, this.#previousSignature, trailerHash),
    );
    if (signature !== undefined && isSame(expected, signature)) return;
    throw new S3Error("SignatureDoesNotMatch", {
      message: "The signature of the body's trailer does not match.",
    });
  }

  #hold(bytes: Buffer, limit: number, fault: string): void {
    if (this.#heldBytes + bytes.length > limit) throw malformed(fault);
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
  }

  #takeHeld(): Buffer {
    const bytes = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    return bytes;
  }
}
