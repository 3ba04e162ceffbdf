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
  const missing = wishes.origins.filter((origin) => !present.some((rule) => covers(rule, origin)));
  const now = present.length === 0 ? "no rules" : present.map(inWords).join("; ");
  if (missing.length === 0) return { state: "ok", now };
  const own: CORSRule = {
    ID: RULE_ID,
    AllowedOrigins: [...wishes.origins],
    AllowedMethods: METHODS,
    AllowedHeaders: ["*"],
    ExposeHeaders: EXPOSED,
    MaxAgeSeconds: 3600,
  };
  const CORSRules = [...present.filter(({ ID }) => ID !== RULE_ID), own];
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

export function exposesETag(exposed: readonly string[]): boolean {
  return exposed.some((name) => name.trim().toLowerCase() === "etag" || name.trim() === "*");
}

function inWords({ AllowedOrigins = [], AllowedMethods = [], ExposeHeaders = [] }: CORSRule): string {
  const exposed = exposesETag(ExposeHeaders) ? "ETag exposed" : "ETag hidden";
  return `${AllowedMethods.join(" ")} from ${AllowedOrigins.join(" ")}, ${exposed}`;
}
