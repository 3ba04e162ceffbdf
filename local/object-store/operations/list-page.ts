/** What the bucket listings share: reading the query, cutting a page, writing keys in the asked encoding. */
import type { Bucket, StoredObject } from "../catalog.ts";
import { S3Error } from "../errors.ts";
import type { ListPage } from "../key-index.ts";
import { uriEncode } from "../signature.ts";
import { element } from "../xml.ts";

const MAX_PAGE = 1000;

export interface PageQuery {
  prefix: string;
  delimiter: string;
  limit: number;
  encode: (text: string) => string;
  encodingType: string | undefined;
}

export function readPageQuery(query: ReadonlyMap<string, string>, limitName = "max-keys"): PageQuery {
  const encodingType = query.get("encoding-type");
  if (encodingType !== undefined && encodingType !== "" && encodingType !== "url") {
    throw new S3Error("InvalidArgument", { message: "Invalid Encoding Method specified in Request" });
  }
  return {
    prefix: query.get("prefix") ?? "",
    delimiter: query.get("delimiter") ?? "",
    limit: readLimit(query.get(limitName), limitName),
    encode: encodingType === "url" ? encodeKey : (text) => text,
    encodingType: encodingType === "" ? undefined : encodingType,
  };
}

/** S3 leaves the slashes of an encoded key alone. */
export const encodeKey = (key: string): string => uriEncode(key).replaceAll("%2F", "/");

export function readLimit(text: string | undefined, name: string): number {
  if (text === undefined || text === "") return MAX_PAGE;
  if (!/^\d{1,10}$/.test(text) || Number(text) > 2 ** 31 - 1) {
    throw new S3Error("InvalidArgument", {
      message: `Argument ${name} must be an integer between 0 and 2147483647`,
      fields: { ArgumentName: name, ArgumentValue: text },
    });
  }
  return Math.min(Number(text), MAX_PAGE);
}

export interface ObjectPage extends ListPage<StoredObject> {
  /** Key or common prefix to resume after. */
  last: string | undefined;
}

export function listObjects(
  bucket: Bucket,
  { prefix, delimiter, limit }: PageQuery,
  after: string,
): ObjectPage {
  const page = bucket.objects.list({ prefix, delimiter, after, limit });
  const lastItem = page.items.at(-1);
  return { ...page, last: lastItem?.kind === "key" ? lastItem.key : lastItem?.prefix };
}

export function entriesXml(
  page: ListPage<StoredObject>,
  encode: (text: string) => string,
  entryXml: (key: string, object: StoredObject) => string,
): string {
  const entries: string[] = [];
  const prefixes: string[] = [];
  for (const item of page.items) {
    if (item.kind === "key") entries.push(entryXml(encode(item.key), item.value));
    else prefixes.push(`<CommonPrefixes>${element("Prefix", encode(item.prefix))}</CommonPrefixes>`);
  }
  return entries.join("") + prefixes.join("");
}

export const isoDate = (ms: number): string => new Date(ms).toISOString();

export const ownerXml = (ownerId: string, name = "Owner"): string =>
  `<${name}>${element("ID", ownerId)}${element("DisplayName", "owner")}</${name}>`;
