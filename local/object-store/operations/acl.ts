/** Access control lists of an account of one: the owner has full control, and nothing else can be granted. */
import { S3Error } from "../errors.ts";
import { requireBucket, xmlReply, type Handler, type OperationContext } from "../request.ts";
import { receiveDocument } from "../request-body.ts";
import { parseXml, xmlDocument } from "../xml.ts";
import { ownerXml } from "./list-page.ts";
import { requireObject } from "./object-read.ts";

const MAX_ACL_BYTES = 64 * 1024;
const XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"';

function aclXml(ownerId: string): string {
  const grantee = ownerXml(ownerId, "Grantee").replace("<Grantee>", `<Grantee ${XSI}>`);
  const grant = `<Grant>${grantee}<Permission>FULL_CONTROL</Permission></Grant>`;
  return xmlDocument(
    "AccessControlPolicy",
    `${ownerXml(ownerId)}<AccessControlList>${grant}</AccessControlList>`,
  );
}

/** s3cmd writes back the list it has just read; that much is accepted. A canned ACL was checked with the headers. */
async function acceptOwnAcl({ request, ownerId }: OperationContext): Promise<void> {
  const body = await receiveDocument(request, MAX_ACL_BYTES);
  if (body.length === 0) {
    if (request.headers.has("x-amz-acl")) return;
    throw new S3Error("InvalidRequest", { message: "The request names no access control list." });
  }
  const grants = parseXml(body, "AccessControlPolicy").child("AccessControlList")?.all("Grant") ?? [];
  const isOwnersOnly = grants.every(
    (grant) =>
      grant.childText("Permission")?.trim() === "FULL_CONTROL" &&
      grant.child("Grantee")?.childText("ID")?.trim() === ownerId,
  );
  if (grants.length === 0 || !isOwnersOnly) throw new S3Error("AccessControlListNotSupported");
}

export const GetBucketAcl: Handler = (context) => {
  requireBucket(context, context.request.target.bucket);
  return xmlReply(aclXml(context.ownerId));
};

export const PutBucketAcl: Handler = async (context) => {
  requireBucket(context, context.request.target.bucket);
  await acceptOwnAcl(context);
  return { status: 200 };
};

export const GetObjectAcl: Handler = (context) => {
  requireObject(context);
  return xmlReply(aclXml(context.ownerId));
};

export const PutObjectAcl: Handler = async (context) => {
  requireObject(context);
  await acceptOwnAcl(context);
  return { status: 200 };
};
