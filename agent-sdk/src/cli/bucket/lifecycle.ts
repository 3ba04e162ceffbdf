/** Rules that clean up what nobody comes back for. Rules of others are kept: S3 only takes the whole list. */
import {
  GetBucketLifecycleConfigurationCommand,
  PutBucketLifecycleConfigurationCommand,
  type LifecycleRule,
} from "@aws-sdk/client-s3";
import { tenantPrefix } from "../../../../contract/object-key.ts";
import { plural } from "../quantities.ts";
import { read, write, type BucketSetting, type Wishes } from "./bucket-setting.ts";

/** Longer than any upload lasts, its resumption after a crash included. */
const ABORT_AFTER_DAYS = 7;

export const lifecycle: BucketSetting = async (bucket) => {
  const { client, config, wishes } = bucket;
  const where = { Bucket: config.bucket };
  const found = await read(
    bucket,
    "GetBucketLifecycleConfiguration",
    (options) => client.send(new GetBucketLifecycleConfigurationCommand(where), options),
    "NoSuchLifecycleConfiguration",
  );
  const present = found?.Rules ?? [];
  const wanted = wantedRules(wishes);
  const missing = wanted.filter((rule) => !isCovered(rule, present));
  const now = present.length === 0 ? "no rules" : plural(present.length, "rule");
  if (missing.length === 0) return { state: "ok", now: wanted.map(inWords).join(", ") };
  const ids = new Set(missing.map(({ ID }) => ID));
  const Rules = [...present.filter(({ ID }) => !ids.has(ID)), ...missing];
  return {
    state: "change",
    now,
    wanted: missing.map(inWords).join(", "),
    apply: () =>
      write(bucket, "PutBucketLifecycleConfiguration", (options) =>
        client.send(
          new PutBucketLifecycleConfigurationCommand({ ...where, LifecycleConfiguration: { Rules } }),
          options,
        ),
      ),
  };
};

function wantedRules({ base, tempFolder, tenants, tempDays }: Wishes): LifecycleRule[] {
  const expire = (ID: string, Prefix: string): LifecycleRule => ({
    ID,
    Status: "Enabled",
    Filter: { Prefix },
    Expiration: { Days: tempDays },
  });
  return [
    {
      ID: "reelsync-abort-incomplete-uploads",
      Status: "Enabled",
      Filter: { Prefix: base },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: ABORT_AFTER_DAYS },
    },
    expire("reelsync-temp", `${base}temp/`),
    ...(tempFolder.startsWith("temp/") ? [] : [expire("reelsync-older-temp", `${base}${tempFolder}`)]),
    expire("reelsync-partial-movie-files", `${base}partial_movie_files/`),
    ...tenants.map((tenant) => expire(`reelsync-temp-${tenant}`, `${tenantPrefix(base, tenant)}temp/`)),
  ];
}

/** A rule of somebody else's for the same prefix is their decision, whatever its days; one of ours is as wanted now. */
function isCovered(wanted: LifecycleRule, present: readonly LifecycleRule[]): boolean {
  return present.some((rule) => {
    if (rule.Status !== "Enabled" || prefixOf(rule) !== prefixOf(wanted)) return false;
    const [days, wantedDays] = [daysOf(rule, wanted), daysOf(wanted, wanted)];
    return rule.ID === wanted.ID ? days === wantedDays : days !== undefined;
  });
}

function prefixOf(rule: LifecycleRule): string {
  // Some stores answer with the older form.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  return rule.Filter?.Prefix ?? rule.Prefix ?? "";
}

function daysOf(rule: LifecycleRule, like: LifecycleRule): number | undefined {
  return like.Expiration === undefined
    ? rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation
    : rule.Expiration?.Days;
}

function inWords(rule: LifecycleRule): string {
  const { Expiration, AbortIncompleteMultipartUpload } = rule;
  return Expiration === undefined
    ? `incomplete uploads go after ${plural(AbortIncompleteMultipartUpload?.DaysAfterInitiation ?? 0, "day")}`
    : `${prefixOf(rule)} goes after ${plural(Expiration.Days ?? 0, "day")}`;
}
