/**
 * Who asks, and is it really them: Signature Version 4 in the Authorization header or in the query (presigned URLs).
 * There is one set of credentials and no anonymous access, so a verified request may do everything.
 */
import {
  fromAmzDate,
  headerClaim,
  presignedClaim,
  unsupportedMechanism,
  type Claim,
  type SignedRequest,
} from "./auth-claim.ts";
import { S3Error } from "./errors.ts";
import { describePayload, type Payload } from "./payload.ts";
import { percentDecode } from "./request-target.ts";
import {
  canonicalRequest,
  deriveSigningKey,
  isSame,
  scopeText,
  sign,
  stringToSign,
  uriEncode,
  type CredentialScope,
} from "./signature.ts";

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
}

export interface Authentication {
  payload: Payload;
  /** Signed in the query, which may then carry headers as well. */
  isPresigned: boolean;
}

const SECOND_MS = 1000;
const MAX_SKEW_MS = 15 * 60 * SECOND_MS;
const SIGNING_KEY_CACHE = 64;

export class Authenticator {
  readonly #credentials: Credentials;
  readonly #signingKeys = new Map<string, Buffer>();

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  authenticate(request: SignedRequest, nowMs: number): Authentication {
    const authorization = request.headers.get("authorization");
    const isPresigned =
      request.target.query.has("X-Amz-Algorithm") || request.target.query.has("X-Amz-Signature");
    if (authorization !== undefined && isPresigned) {
      throw new S3Error("InvalidArgument", {
        message: "Only one auth mechanism allowed: a header or a query signature.",
      });
    }
    if (authorization === undefined && !isPresigned) {
      if (request.target.query.has("AWSAccessKeyId")) throw unsupportedMechanism();
      throw new S3Error("AccessDenied", { message: "Access Denied: the request is not signed." });
    }

    const claim = authorization === undefined ? presignedClaim(request) : headerClaim(request, authorization);
    if (claim.scope.accessKeyId !== this.#credentials.accessKeyId) {
      throw new S3Error("InvalidAccessKeyId", { fields: { AWSAccessKeyId: claim.scope.accessKeyId } });
    }
    if (request.headers.has("x-amz-security-token") || request.target.query.has("X-Amz-Security-Token")) {
      throw new S3Error("InvalidToken");
    }
    if (authorization === undefined) checkPresignedLife(request.target.query, claim.amzDate, nowMs);
    else checkSkew(claim.amzDate, nowMs);

    const signingKey = this.#signingKey(claim.scope);
    this.#verify(request, claim, signingKey);
    refuseUnsignedAmzHeaders(request, claim);
    const payload = describePayload(claim.payloadHash, {
      signingKey,
      amzDate: claim.amzDate,
      scope: scopeText(claim.scope),
      seedSignature: claim.signature,
    });
    return { payload, isPresigned };
  }

  #verify({ method, target, headers }: SignedRequest, claim: Claim, signingKey: Buffer): void {
    const canonicalFor = (path: string): string =>
      canonicalRequest({
        method,
        path,
        rawQuery: target.rawQuery,
        signedHeaders: claim.signedHeaders,
        header: (name) => headers.get(name) ?? "",
        payloadHash: claim.payloadHash,
      });
    const canonical = canonicalFor(target.rawPath);
    const expected = stringToSign(claim.amzDate, claim.scope, canonical);
    if (isSame(sign(signingKey, expected), claim.signature)) return;

    // Some clients sign the strictly encoded path and send a laxer spelling of it.
    const strictPath = target.rawPath
      .split("/")
      .map((segment) => uriEncode(percentDecode(segment)))
      .join("/");
    if (strictPath !== target.rawPath) {
      const strict = stringToSign(claim.amzDate, claim.scope, canonicalFor(strictPath));
      if (isSame(sign(signingKey, strict), claim.signature)) return;
    }
    throw new S3Error("SignatureDoesNotMatch", {
      fields: {
        AWSAccessKeyId: claim.scope.accessKeyId,
        StringToSign: expected,
        SignatureProvided: claim.signature,
        CanonicalRequest: canonical,
      },
    });
  }

  #signingKey(scope: CredentialScope): Buffer {
    const cacheKey = scopeText(scope);
    const cached = this.#signingKeys.get(cacheKey);
    if (cached !== undefined) return cached;
    const signingKey = deriveSigningKey(this.#credentials.secretAccessKey, scope);
    if (this.#signingKeys.size >= SIGNING_KEY_CACHE) this.#signingKeys.clear();
    this.#signingKeys.set(cacheKey, signingKey);
    return signingKey;
  }
}

function checkSkew(amzDate: string, nowMs: number): void {
  if (Math.abs(nowMs - fromAmzDate(amzDate)) <= MAX_SKEW_MS) return;
  throw new S3Error("RequestTimeTooSkewed", {
    fields: {
      RequestTime: amzDate,
      ServerTime: new Date(nowMs).toISOString(),
      MaxAllowedSkewMilliseconds: String(MAX_SKEW_MS),
    },
  });
}

function checkPresignedLife(query: ReadonlyMap<string, string>, amzDate: string, nowMs: number): void {
  const signedMs = fromAmzDate(amzDate);
  if (!(signedMs <= nowMs + MAX_SKEW_MS)) {
    throw new S3Error("AccessDenied", {
      message: "Request is not valid yet",
      fields: { "X-Amz-Date": amzDate },
    });
  }
  const expiresSeconds = Number(query.get("X-Amz-Expires"));
  const expiresMs = signedMs + expiresSeconds * SECOND_MS;
  if (nowMs <= expiresMs) return;
  throw new S3Error("AccessDenied", {
    message: "Request has expired",
    fields: {
      "X-Amz-Expires": String(expiresSeconds),
      Expires: new Date(expiresMs).toISOString(),
      ServerTime: new Date(nowMs).toISOString(),
    },
  });
}

/** Or the holder of a presigned PUT could turn it into a copy, or into an object with other metadata. */
function refuseUnsignedAmzHeaders({ headers }: SignedRequest, { signedHeaders }: Claim): void {
  const unsigned = [...headers.keys()].filter(
    (name) => name.startsWith("x-amz-") && name !== "x-amz-content-sha256" && !signedHeaders.includes(name),
  );
  if (unsigned.length === 0) return;
  throw new S3Error("AccessDenied", {
    message: "There were headers present in the request which were not signed",
    fields: { HeadersNotSigned: unsigned.join(", ") },
  });
}
