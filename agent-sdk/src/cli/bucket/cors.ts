/** Pages may read: players fetch ranges, and tools compare ETags, which a browser hides unless the bucket exposes them. */
import { GetBucketCorsCommand, PutBucketCorsCommand, type CORSRule } from "@aws-sdk/client-s3";
import { read, write, type BucketSetting } from "./bucket-setting.ts";

const RULE_ID = "reelsync";
const METHODS = ["GET", "HEAD"];
const EXPOSED = ["ETag", "Content-Length", "Content-Range", "Accept-Ranges"];

export const cors: BucketSetting = async (bucket) => {
  const { client, config, wishes } = bucket;
  const where = { Bucket: config.bucket };
  const found = await read(
    bucket,
    "GetBucketCors",
    (options) => client.send(new GetBucketCorsCommand(where), options),
    "NoSuchCORSConfiguration",
  );
  const present = found?.CORSRules ?? [];
  const ofOthers = present.filter(({ ID }) => ID !== RULE_ID);
  const missing = wishes.origins.filter((origin) => !present.some((rule) => covers(rule, origin)));
  const now = present.length === 0 ? "no rules" : present.map(inWords).join("; ");
  const isTooWide = present.some((rule) => rule.ID === RULE_ID && allowsMore(rule, wishes.origins));
  if (missing.length === 0 && !isTooWide) {
    const isOpen = ofOthers.some(({ AllowedOrigins = [] }) => AllowedOrigins.includes("*"));
    if (!isOpen || wishes.origins.includes("*")) return { state: "ok", now };
    return { state: "skipped", now, note: "rules of others let every page read, and are kept" };
  }
  const own: CORSRule = {
    ID: RULE_ID,
    AllowedOrigins: [...wishes.origins],
    AllowedMethods: METHODS,
    AllowedHeaders: ["*"],
    ExposeHeaders: EXPOSED,
    MaxAgeSeconds: 3600,
  };
  const CORSRules = [...ofOthers, own];
  return {
    state: "change",
    now,
    wanted: inWords(own),
    apply: () =>
      write(bucket, "PutBucketCors", (options) =>
        client.send(new PutBucketCorsCommand({ ...where, CORSConfiguration: { CORSRules } }), options),
      ),
  };
};

function covers(rule: CORSRule, origin: string): boolean {
  const { AllowedOrigins = [], AllowedMethods = [] } = rule;
  return (
    (AllowedOrigins.includes("*") || AllowedOrigins.includes(origin)) &&
    METHODS.every((method) => AllowedMethods.includes(method)) &&
    exposesETag(rule.ExposeHeaders ?? [])
  );
}

/** A rule for named pages is for those alone. */
function allowsMore({ AllowedOrigins = [] }: CORSRule, origins: readonly string[]): boolean {
  return !origins.includes("*") && AllowedOrigins.some((origin) => !origins.includes(origin));
}

export function exposesETag(exposed: readonly string[]): boolean {
  return exposed.some((name) => name.trim().toLowerCase() === "etag" || name.trim() === "*");
}

function inWords({ AllowedOrigins = [], AllowedMethods = [], ExposeHeaders = [] }: CORSRule): string {
  const exposed = exposesETag(ExposeHeaders) ? "ETag exposed" : "ETag hidden";
  return `${AllowedMethods.join(" ")} from ${AllowedOrigins.join(" ")}, ${exposed}`;
}
