/**
 * Settings of a bucket. CORS can be set; everything else is answered as S3 answers for a bucket on which it was never
 * set, which is true here, and setting it is NotImplemented.
 */
import { corsConfigurationXml, parseCorsConfiguration } from "../cors.ts";
import { S3Error, type S3ErrorCode } from "../errors.ts";
import { requireBucket, xmlReply, type Handler } from "../request.ts";
import { receiveDocument } from "../request-body.ts";
import { parseXml, xmlDocument } from "../xml.ts";

const MAX_CORS_BYTES = 64 * 1024;

export const GetBucketCors: Handler = (context) => {
  const { cors, name } = requireBucket(context, context.request.target.bucket);
  if (cors === undefined) throw new S3Error("NoSuchCORSConfiguration", { fields: { BucketName: name } });
  return xmlReply(corsConfigurationXml(cors));
};

export const PutBucketCors: Handler = async (context) => {
  requireBucket(context, context.request.target.bucket);
  const rules = parseCorsConfiguration(
    parseXml(await receiveDocument(context.request, MAX_CORS_BYTES), "CORSConfiguration"),
  );
  const bucket = requireBucket(context, context.request.target.bucket);
  context.store.commit({ op: "setCors", bucket: bucket.name, rules });
  return { status: 200 };
};

export const DeleteBucketCors: Handler = (context) => {
  const bucket = requireBucket(context, context.request.target.bucket);
  context.store.commit({ op: "setCors", bucket: bucket.name, rules: null });
  return { status: 204 };
};

const neverSet =
  (code: S3ErrorCode): Handler =>
  (context) => {
    const { name } = requireBucket(context, context.request.target.bucket);
    throw new S3Error(code, { fields: { BucketName: name } });
  };

const emptyDocument =
  (rootName: string, content = ""): Handler =>
  (context) => {
    requireBucket(context, context.request.target.bucket);
    return xmlReply(xmlDocument(rootName, content));
  };

export const GetBucketVersioning = emptyDocument("VersioningConfiguration");
export const GetBucketNotification = emptyDocument("NotificationConfiguration");
export const GetBucketLogging = emptyDocument("BucketLoggingStatus");
export const GetBucketAccelerate = emptyDocument("AccelerateConfiguration");
export const GetBucketRequestPayment = emptyDocument(
  "RequestPaymentConfiguration",
  "<Payer>BucketOwner</Payer>",
);
export const GetBucketPolicy = neverSet("NoSuchBucketPolicy");
export const GetBucketPolicyStatus = neverSet("NoSuchBucketPolicy");
export const GetBucketLifecycle = neverSet("NoSuchLifecycleConfiguration");
export const GetBucketTagging = neverSet("NoSuchTagSet");
export const GetBucketEncryption = neverSet("ServerSideEncryptionConfigurationNotFoundError");
export const GetBucketReplication = neverSet("ReplicationConfigurationNotFoundError");
export const GetBucketWebsite = neverSet("NoSuchWebsiteConfiguration");
export const GetPublicAccessBlock = neverSet("NoSuchPublicAccessBlockConfiguration");
export const GetBucketOwnershipControls = neverSet("OwnershipControlsNotFoundError");
export const GetObjectLockConfiguration = neverSet("ObjectLockConfigurationNotFoundError");
