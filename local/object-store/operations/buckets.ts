/** The service and its buckets. */
import { S3Error } from "../errors.ts";
import { requireBucket, xmlReply, type Handler } from "../request.ts";
import { receiveDocument } from "../request-body.ts";
import { element, parseXml, xmlDocument } from "../xml.ts";
import { isoDate, ownerXml, readLimit } from "./list-page.ts";

const MAX_CONFIGURATION_BYTES = 64 * 1024;
const DEFAULT_REGION = "us-east-1";

const isIpAddress = (name: string): boolean => /^\d+\.\d+\.\d+\.\d+$/.test(name);

export function isBucketName(name: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !/\.\.|\.-|-\./.test(name) && !isIpAddress(name);
}

export const ListBuckets: Handler = ({ request, store, ownerId }) => {
  const { query } = request.target;
  const prefix = query.get("prefix") ?? "";
  const token = query.get("continuation-token") ?? "";
  const region = query.get("bucket-region");
  const limit = query.has("max-buckets") ? readLimit(query.get("max-buckets"), "max-buckets") : Infinity;
  const fitting = [...store.buckets.values()]
    .filter(({ name }) => name.startsWith(prefix) && name > token)
    .filter((bucket) => region === undefined || bucket.region === region)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const page = fitting.slice(0, limit);
  const buckets = page.map(
    ({ name, createdMs, region: bucketRegion }) =>
      `<Bucket>${element("Name", name)}${element("CreationDate", isoDate(createdMs))}${element("BucketRegion", bucketRegion)}</Bucket>`,
  );
  const content =
    ownerXml(ownerId) +
    `<Buckets>${buckets.join("")}</Buckets>` +
    element("ContinuationToken", page.length < fitting.length ? page.at(-1)?.name : undefined) +
    element("Prefix", query.get("prefix"));
  return xmlReply(xmlDocument("ListAllMyBucketsResult", content));
};

export const CreateBucket: Handler = async ({ request, store }) => {
  const name = request.target.bucket ?? "";
  if (!isBucketName(name)) {
    throw new S3Error("InvalidBucketName", {
      message:
        "The specified bucket is not valid: a name has 3 to 63 lower-case letters, digits, dots and hyphens, and starts and ends with a letter or digit.",
      fields: { BucketName: name },
    });
  }
  const body = await receiveDocument(request, MAX_CONFIGURATION_BYTES);
  const configuration = body.length === 0 ? undefined : parseXml(body, "CreateBucketConfiguration");
  const unknown = configuration?.childNames().find((child) => child !== "LocationConstraint");
  if (unknown !== undefined) {
    throw new S3Error("NotImplemented", {
      message: `CreateBucketConfiguration with ${unknown} is not implemented.`,
    });
  }
  const region = configuration?.childText("LocationConstraint")?.trim() ?? "";
  // Again by the owner: fine, as in us-east-1. rclone creates the bucket before every copy.
  if (!store.buckets.has(name)) {
    store.commit({
      op: "createBucket",
      bucket: name,
      createdMs: Date.now(),
      region: region === "" ? DEFAULT_REGION : region,
    });
  }
  return { status: 200, headers: { location: `/${name}` } };
};

export const HeadBucket: Handler = (context) => {
  const { region } = requireBucket(context, context.request.target.bucket);
  return { status: 200, headers: { "x-amz-bucket-region": region, "content-type": "application/xml" } };
};

export const DeleteBucket: Handler = (context) => {
  const bucket = requireBucket(context, context.request.target.bucket);
  if (bucket.objects.size > 0) throw new S3Error("BucketNotEmpty", { fields: { BucketName: bucket.name } });
  context.store.commit({ op: "deleteBucket", bucket: bucket.name });
  return { status: 204 };
};

export const GetBucketLocation: Handler = (context) => {
  const { region } = requireBucket(context, context.request.target.bucket);
  const constraint = region === DEFAULT_REGION ? "" : region;
  return xmlReply(xmlDocument("LocationConstraint", constraint));
};
