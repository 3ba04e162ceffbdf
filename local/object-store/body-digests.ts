/** Every digest a body needs, computed in one pass, and compared with what the client promised. */
import { createHash, type Hash } from "node:crypto";
import type { BodyPlan } from "./body-plan.ts";
import { checksumHeaderName, createHasher, type ChecksumAlgorithm, type Hasher } from "./checksums.ts";
import { S3Error } from "./errors.ts";

export interface BodyDigest {
  size: number;
  /** Hex: the ETag. */
  md5: string;
  /** Verified if the client sent it, computed if only the upload asks for it. */
  checksum: { algorithm: ChecksumAlgorithm; value: string } | undefined;
}

export class BodyDigests {
  readonly #plan: BodyPlan;
  readonly #md5: Hash = createHash("md5");
  readonly #sha256: Hash | undefined;
  readonly #checksumAlgorithm: ChecksumAlgorithm | undefined;
  readonly #checksum: Hasher | undefined;
  #size = 0;

  /** `algorithm`: compute this one even if the client sends no value of its own. */
  constructor(plan: BodyPlan, algorithm?: ChecksumAlgorithm) {
    this.#plan = plan;
    if (plan.payload.kind === "sha256") this.#sha256 = createHash("sha256");
    this.#checksumAlgorithm = plan.checksum?.algorithm ?? algorithm;
    const isSha256Twice = this.#checksumAlgorithm === "SHA256" && this.#sha256 !== undefined;
    if (this.#checksumAlgorithm !== undefined && !isSha256Twice)
      this.#checksum = createHasher(this.#checksumAlgorithm);
  }

  update(chunks: readonly Buffer[]): void {
    for (const chunk of chunks) {
      this.#size += chunk.length;
      if (this.#size > this.#plan.length) throw incomplete(this.#plan.length, "more");
      this.#md5.update(chunk);
      this.#sha256?.update(chunk);
      this.#checksum?.update(chunk);
    }
  }

  /** Ends the hashes and checks everything the client promised. */
  verify(trailer: ReadonlyMap<string, string>): BodyDigest {
    const { length, payload, contentMd5, checksum: declared } = this.#plan;
    if (this.#size !== length) throw incomplete(length, "fewer");

    const sha256 = this.#sha256?.digest();
    if (payload.kind === "sha256" && sha256?.toString("hex") !== payload.hex) {
      throw new S3Error("XAmzContentSHA256Mismatch", {
        fields: {
          ClientComputedContentSHA256: payload.hex,
          S3ComputedContentSHA256: sha256?.toString("hex") ?? "",
        },
      });
    }
    const md5 = this.#md5.digest();
    if (contentMd5 !== undefined && !contentMd5.equals(md5)) {
      throw new S3Error("BadDigest", {
        message: "The Content-MD5 you specified did not match what we received.",
        fields: { ExpectedDigest: contentMd5.toString("hex"), CalculatedDigest: md5.toString("hex") },
      });
    }

    const algorithm = this.#checksumAlgorithm;
    if (algorithm === undefined) return { size: this.#size, md5: md5.toString("hex"), checksum: undefined };
    const value = (this.#checksum?.digest() ?? sha256!).toString("base64");
    if (declared !== undefined) {
      const promised = declared.value ?? trailer.get(checksumHeaderName(algorithm));
      if (promised === undefined) {
        throw new S3Error("InvalidRequest", {
          message: `The trailer has no ${checksumHeaderName(algorithm)}.`,
        });
      }
      if (promised !== value) {
        throw new S3Error("BadDigest", {
          message: `The ${algorithm} you specified did not match the calculated checksum.`,
        });
      }
    }
    return { size: this.#size, md5: md5.toString("hex"), checksum: { algorithm, value } };
  }
}

const incomplete = (length: number, what: "more" | "fewer"): S3Error =>
  new S3Error("IncompleteBody", { message: `The body holds ${what} than the ${length} bytes announced.` });
