/**
 * Which operation a request asks for. The table lists every query parameter an operation understands; anything else is
 * NotImplemented, because a subresource that is silently ignored turns one operation into another with a 200.
 */
import { S3Error } from "./errors.ts";
import { isHoistedHeader, isSignatureParameter } from "./request-headers.ts";
import type { RequestTarget } from "./request-target.ts";

interface Route {
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  scope: "service" | "bucket" | "object";
  /** Query parameters that select the operation. */
  selects?: readonly string[];
  /** Header that selects it. */
  header?: string;
  /** Further parameters it understands. */
  allows?: readonly string[];
}

const LISTING = ["prefix", "delimiter", "max-keys", "encoding-type"];
const RESPONSE_OVERRIDES = [
  "response-content-type",
  "response-content-language",
  "response-content-disposition",
  "response-content-encoding",
  "response-cache-control",
  "response-expires",
];
const COPY_SOURCE = "x-amz-copy-source";

const ROUTES = {
  ListBuckets: {
    method: "GET",
    scope: "service",
    allows: ["max-buckets", "prefix", "continuation-token", "bucket-region"],
  },

  CreateBucket: { method: "PUT", scope: "bucket" },
  HeadBucket: { method: "HEAD", scope: "bucket" },
  DeleteBucket: { method: "DELETE", scope: "bucket" },
  ListObjects: { method: "GET", scope: "bucket", allows: [...LISTING, "marker"] },
  ListObjectsV2: {
    method: "GET",
    scope: "bucket",
    selects: ["list-type"],
    allows: [...LISTING, "continuation-token", "start-after", "fetch-owner"],
  },
  ListObjectVersions: {
    method: "GET",
    scope: "bucket",
    selects: ["versions"],
    allows: [...LISTING, "key-marker", "version-id-marker"],
  },
  ListMultipartUploads: {
    method: "GET",
    scope: "bucket",
    selects: ["uploads"],
    allows: ["prefix", "delimiter", "encoding-type", "max-uploads", "key-marker", "upload-id-marker"],
  },
  DeleteObjects: { method: "POST", scope: "bucket", selects: ["delete"] },
  GetBucketLocation: { method: "GET", scope: "bucket", selects: ["location"] },
  GetBucketVersioning: { method: "GET", scope: "bucket", selects: ["versioning"] },
  GetBucketCors: { method: "GET", scope: "bucket", selects: ["cors"] },
  PutBucketCors: { method: "PUT", scope: "bucket", selects: ["cors"] },
  DeleteBucketCors: { method: "DELETE", scope: "bucket", selects: ["cors"] },
  GetBucketAcl: { method: "GET", scope: "bucket", selects: ["acl"] },
  PutBucketAcl: { method: "PUT", scope: "bucket", selects: ["acl"] },
  GetBucketPolicy: { method: "GET", scope: "bucket", selects: ["policy"] },
  GetBucketPolicyStatus: { method: "GET", scope: "bucket", selects: ["policyStatus"] },
  GetBucketLifecycle: { method: "GET", scope: "bucket", selects: ["lifecycle"] },
  GetBucketTagging: { method: "GET", scope: "bucket", selects: ["tagging"] },
  GetBucketEncryption: { method: "GET", scope: "bucket", selects: ["encryption"] },
  GetBucketReplication: { method: "GET", scope: "bucket", selects: ["replication"] },
  GetBucketWebsite: { method: "GET", scope: "bucket", selects: ["website"] },
  GetPublicAccessBlock: { method: "GET", scope: "bucket", selects: ["publicAccessBlock"] },
  GetBucketOwnershipControls: { method: "GET", scope: "bucket", selects: ["ownershipControls"] },
  GetObjectLockConfiguration: { method: "GET", scope: "bucket", selects: ["object-lock"] },
  GetBucketNotification: { method: "GET", scope: "bucket", selects: ["notification"] },
  GetBucketLogging: { method: "GET", scope: "bucket", selects: ["logging"] },
  GetBucketRequestPayment: { method: "GET", scope: "bucket", selects: ["requestPayment"] },
  GetBucketAccelerate: { method: "GET", scope: "bucket", selects: ["accelerate"] },

  PutObject: { method: "PUT", scope: "object" },
  CopyObject: { method: "PUT", scope: "object", header: COPY_SOURCE },
  GetObject: { method: "GET", scope: "object", allows: ["partNumber", "versionId", ...RESPONSE_OVERRIDES] },
  HeadObject: { method: "HEAD", scope: "object", allows: ["partNumber", "versionId", ...RESPONSE_OVERRIDES] },
  DeleteObject: { method: "DELETE", scope: "object", allows: ["versionId"] },
  GetObjectAttributes: { method: "GET", scope: "object", selects: ["attributes"], allows: ["versionId"] },
  GetObjectAcl: { method: "GET", scope: "object", selects: ["acl"], allows: ["versionId"] },
  PutObjectAcl: { method: "PUT", scope: "object", selects: ["acl"], allows: ["versionId"] },
  GetObjectTagging: { method: "GET", scope: "object", selects: ["tagging"], allows: ["versionId"] },
  PutObjectTagging: { method: "PUT", scope: "object", selects: ["tagging"], allows: ["versionId"] },
  DeleteObjectTagging: { method: "DELETE", scope: "object", selects: ["tagging"], allows: ["versionId"] },

  CreateMultipartUpload: { method: "POST", scope: "object", selects: ["uploads"] },
  UploadPart: { method: "PUT", scope: "object", selects: ["uploadId", "partNumber"] },
  UploadPartCopy: {
    method: "PUT",
    scope: "object",
    selects: ["uploadId", "partNumber"],
    header: COPY_SOURCE,
  },
  ListParts: {
    method: "GET",
    scope: "object",
    selects: ["uploadId"],
    allows: ["max-parts", "part-number-marker", "encoding-type"],
  },
  CompleteMultipartUpload: { method: "POST", scope: "object", selects: ["uploadId"] },
  AbortMultipartUpload: { method: "DELETE", scope: "object", selects: ["uploadId"] },
} as const satisfies Record<string, Route>;

export type Operation = keyof typeof ROUTES;

const METHODS: readonly string[] = ["GET", "HEAD", "PUT", "POST", "DELETE"];
const ENTRIES = Object.entries(ROUTES) as [Operation, Route][];

/** The more a route asks for, the more it says about the request it fits. */
const specificity = ({ selects = [], header }: Route): number =>
  selects.length + (header === undefined ? 0 : 1);

export function detectOperation(
  method: string,
  target: RequestTarget,
  headers: ReadonlyMap<string, string>,
  isPresigned: boolean,
): Operation {
  const scope = target.bucket === undefined ? "service" : target.key === undefined ? "bucket" : "object";
  const fitting = ENTRIES.filter(
    ([, route]) =>
      route.method === method &&
      route.scope === scope &&
      (route.selects ?? []).every((name) => target.query.has(name)) &&
      (route.header === undefined || headers.has(route.header)),
  ).sort(([, a], [, b]) => specificity(b) - specificity(a))[0];

  const known = new Set<string>([...(fitting?.[1].selects ?? []), ...(fitting?.[1].allows ?? [])]);
  const unknown = [...target.query.keys()].find(
    (name) => !known.has(name) && name !== "x-id" && !(isPresigned && isHeaderInQuery(name)),
  );
  if (unknown !== undefined) {
    throw new S3Error("NotImplemented", {
      message: `${method} on ${withArticle(scope)} with the query parameter "${unknown}" is not implemented by this store.`,
    });
  }
  if (fitting !== undefined) return fitting[0];
  if (!METHODS.includes(method) || scope === "service") {
    throw new S3Error("MethodNotAllowed", { fields: { Method: method, ResourceType: scope.toUpperCase() } });
  }
  throw new S3Error("NotImplemented", {
    message: `${method} on ${withArticle(scope)} is not implemented by this store.`,
  });
}

const isHeaderInQuery = (name: string): boolean => isSignatureParameter(name) || isHoistedHeader(name);

const withArticle = (scope: Route["scope"]): string => (scope === "object" ? "an object" : `a ${scope}`);
