/** What a request claims about its signature, read from the Authorization header or the query. Verifies nothing. */
import { S3Error } from "./errors.ts";
import type { RequestHeaders } from "./request-headers.ts";
import type { RequestTarget } from "./request-target.ts";
import { ALGORITHM, type CredentialScope } from "./signature.ts";

const MAX_EXPIRES_SECONDS = 7 * 24 * 60 * 60;

export interface SignedRequest {
  method: string;
  target: RequestTarget;
  headers: RequestHeaders;
}

export interface Claim {
  scope: CredentialScope;
  signedHeaders: string[];
  signature: string;
  amzDate: string;
  payloadHash: string;
}

export const unsupportedMechanism = (): S3Error =>
  new S3Error("InvalidRequest", {
    message: `The authorization mechanism you have provided is not supported. Please use ${ALGORITHM}.`,
  });

export function headerClaim({ headers }: SignedRequest, authorization: string): Claim {
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

export function presignedClaim({ target: { query }, headers }: SignedRequest): Claim {
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

export function fromAmzDate(amzDate: string): number {
  return Date.parse(amzDate.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}
