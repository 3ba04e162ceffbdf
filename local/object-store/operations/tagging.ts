/** Tags of an object. Changing them is not a change of the object: ETag and Last-Modified stay. */
import type { StoredObject } from "../catalog.ts";
import { S3Error } from "../errors.ts";
import { checkTags } from "../object-attributes.ts";
import { requireTarget, xmlReply, type Handler, type OperationContext } from "../request.ts";
import { receiveDocument } from "../request-body.ts";
import { element, parseXml, xmlDocument } from "../xml.ts";
import { requireObject } from "./object-read.ts";

const MAX_TAGGING_BYTES = 64 * 1024;

function replaceTags(context: OperationContext, tags: StoredObject["tags"]): void {
  const object = requireObject(context);
  const { bucket, key } = requireTarget(context);
  context.store.commit({ op: "putObject", bucket: bucket.name, key, object: { ...object, tags } });
}

export const GetObjectTagging: Handler = (context) => {
  const tags = Object.entries(requireObject(context).tags).map(
    ([key, value]) => `<Tag>${element("Key", key)}${element("Value", value)}</Tag>`,
  );
  return xmlReply(xmlDocument("Tagging", `<TagSet>${tags.join("")}</TagSet>`));
};

export const PutObjectTagging: Handler = async (context) => {
  requireObject(context);
  const tagSet = parseXml(await receiveDocument(context.request, MAX_TAGGING_BYTES), "Tagging").child(
    "TagSet",
  );
  if (tagSet === undefined) throw new S3Error("MalformedXML");
  const pairs = tagSet
    .all("Tag")
    .map((tag) => [tag.childText("Key") ?? "", tag.childText("Value") ?? ""] as const);
  replaceTags(context, checkTags(pairs));
  return { status: 200 };
};

export const DeleteObjectTagging: Handler = (context) => {
  replaceTags(context, {});
  return { status: 204 };
};
