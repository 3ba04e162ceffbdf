/**
 * Who asks, and is it really them: Signature Version 4 in the Authorization header or in the query (presigned URLs).
 * There is one set of credentials and no anonymous access, so a verified request may do everything.
 */
import { timingSafeEqual } from "node:crypto";
import { S3Error } from "./errors.ts";
import type { RequestHeaders } from "./request-headers.ts";
import { percentDecode, type RequestTarget } from "./request-target.ts";
import {
  ALGORITHM,
  canonicalRequest,
  deriveSigningKey,
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

export const STREAMING_PAYLOADS = [
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

export interface Authentication {
  payload: Payload;
  /** Signed in the query, which may then carry headers as well. */
  isPresigned: boolean;
}

interface SignedRequest {
  method: string;
  target: RequestTarget;
  headers: RequestHeaders;
}

interface Claim {
  scope: CredentialScope;
  signedHeaders: string[];
  signature: string;
  amzDate: string;
  payloadHash: string;
}

const SECOND_MS = 1000;
const MAX_SKEW_MS = 15 * 60 * SECOND_MS;
const MAX_EXPIRES_SECONDS = 7 * 24 * 60 * 60;
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
    return { payload: describePayload(claim, signingKey), isPresigned };
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

export function isSame(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

const unsupportedMechanism = (): S3Error =>
  new S3Error("InvalidRequest", {
    message: `The authorization mechanism you have provided is not supported. Please use ${ALGORITHM}.`,
  });

function headerClaim({ headers }: SignedRequest, authorization: string): Claim {
  const match = /^(\S+)\s+(.*)$/.exec(authorization.trim());
  if (match?.[1] !== ALGORITHM) throw unsupportedMechanism();
  const fields = new Map(
    match[2]!.split(",").map((field) => {
      const equals = field.indexOf("=");
      return [field.slice(0, equals).trim(), field.slice(equals + 1).trim()] as const;
    }),
  );
  const malformed = (what: string): S3Error =>
    new S3Error("AuthorizationHeaderMalformed", {
      message: `The authorization header that you provided is not valid: ${what}.`,
    });
  const signature = fields.get("Signature");
  const signedHeaders = fields.get("SignedHeaders");
  if (signature === undefined || signedHeaders === undefined) {
    throw malformed("Credential, SignedHeaders and Signature are required");
  }
  const scope = parseCredential(fields.get("Credential") ?? "", malformed);
  const amzDate = toAmzDate(headers.get("x-amz-date") ?? headers.get("date") ?? "");
  if (amzDate === undefined) {
    throw new S3Error("AccessDenied", {
      message: "AWS authentication requires a valid Date or x-amz-date header.",
    });
  }
  if (!amzDate.startsWith(scope.date))
    throw malformed("the date of the credential is not that of the request");
  const payloadHash = headers.get("x-amz-content-sha256");
  if (payloadHash === undefined) {
    throw new S3Error("InvalidRequest", {
      message: "Missing required header for this request: x-amz-content-sha256.",
    });
  }
  return {
    scope,
    signedHeaders: parseSignedHeaders(signedHeaders, malformed),
    signature,
    amzDate,
    payloadHash,
  };
}

function presignedClaim({ target: { query }, headers }: SignedRequest): Claim {
  const malformed = (what: string): S3Error =>
    new S3Error("AuthorizationQueryParametersError", {
      message: `The query parameters that carry the signature are not valid: ${what}.`,
    });
  const required = (name: string): string => {
    const value = query.get(name);
    if (value === undefined || value === "") throw malformed(`${name} is required`);
    return value;
  };
  if (required("X-Amz-Algorithm") !== ALGORITHM)
    throw malformed(`X-Amz-Algorithm only supports ${ALGORITHM}`);
  const scope = parseCredential(required("X-Amz-Credential"), malformed);
  const amzDate = toAmzDate(required("X-Amz-Date"));
  if (amzDate === undefined) throw malformed("X-Amz-Date must be in the ISO8601 form yyyyMMdd'T'HHmmss'Z'");
  if (!amzDate.startsWith(scope.date))
    throw malformed("the date of the credential is not that of X-Amz-Date");
  const expires = required("X-Amz-Expires");
  if (!/^\d{1,10}$/.test(expires) || Number(expires) < 1 || Number(expires) > MAX_EXPIRES_SECONDS) {
    throw malformed(`X-Amz-Expires must be between 1 and ${MAX_EXPIRES_SECONDS} seconds`);
  }
  const signedHeaders = parseSignedHeaders(required("X-Amz-SignedHeaders"), malformed);
  const payloadHash =
    (signedHeaders.includes("x-amz-content-sha256") ? headers.get("x-amz-content-sha256") : undefined) ??
    query.get("X-Amz-Content-Sha256") ??
    "UNSIGNED-PAYLOAD";
  return { scope, signedHeaders, signature: required("X-Amz-Signature"), amzDate, payloadHash };
}

function parseCredential(credential: string, malformed: (what: string) => S3Error): CredentialScope {
  // The access key id may itself hold slashes; the scope never does.
  const match = /^(.+)\/(\d{8})\/([^/]+)\/s3\/aws4_request$/.exec(credential);
  if (match === null) {
    throw malformed("Credential must be <access key id>/<yyyymmdd>/<region>/s3/aws4_request");
  }
  return { accessKeyId: match[1]!, date: match[2]!, region: match[3]!, service: "s3" };
}

function parseSignedHeaders(text: string, malformed: (what: string) => S3Error): string[] {
  const names = text.split(";");
  if (!names.includes("host")) throw malformed("the Host header must be signed");
  return names.map((name) => name.toLowerCase());
}

/** `20261120T071828Z` from either of the forms S3 takes. */
function toAmzDate(text: string): string | undefined {
  if (/^\d{8}T\d{6}Z$/.test(text)) return text;
  const ms = Date.parse(text);
  if (text === "" || Number.isNaN(ms)) return undefined;
  return `${new Date(ms).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;
}

function fromAmzDate(amzDate: string): number {
  return Date.parse(amzDate.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
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

function describePayload({ payloadHash, amzDate, scope, signature }: Claim, signingKey: Buffer): Payload {
  if (payloadHash === "UNSIGNED-PAYLOAD") return { kind: "unsigned" };
  if (/^[0-9a-f]{64}$/i.test(payloadHash)) return { kind: "sha256", hex: payloadHash.toLowerCase() };
  switch (STREAMING_PAYLOADS.find((known) => known === payloadHash)) {
    case "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
      return { kind: "chunked", signing: undefined, hasTrailer: true };
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": {
      const signing = { signingKey, amzDate, scope: scopeText(scope), seedSignature: signature };
      return { kind: "chunked", signing, hasTrailer: payloadHash.endsWith("-TRAILER") };
    }
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
