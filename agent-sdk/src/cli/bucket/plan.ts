/** The settings a bucket should have, what each is now, and making them so. One that cannot be read or set spoils no other. */
import { codedError, type ReelsyncError } from "../../errors.ts";
import { describe, type ToldError } from "../output.ts";
import { isUnsupported, type Bucket, type BucketSetting, type Inspection } from "./bucket-setting.ts";
import { cors } from "./cors.ts";
import { encryption } from "./encryption.ts";
import { lifecycle } from "./lifecycle.ts";
import { publicAccess } from "./public-access.ts";
import { versioning } from "./versioning.ts";

export const BUCKET_SETTINGS = {
  versioning,
  lifecycle,
  cors,
  encryption,
  "public-access": publicAccess,
} as const satisfies Record<string, BucketSetting>;
export type SettingName = keyof typeof BUCKET_SETTINGS;
export const SETTING_NAMES = Object.keys(BUCKET_SETTINGS) as [SettingName, ...SettingName[]];

export interface PlanItem {
  setting: SettingName;
  /** `change`: would be made with --yes. `unsupported`: the store has no such thing. */
  state: "ok" | "change" | "changed" | "skipped" | "unsupported" | "failed";
  now?: string;
  wanted?: string;
  note?: string;
  error?: ToldError;
}

export async function settle(
  setting: SettingName,
  bucket: Bucket,
  apply: boolean,
): Promise<{ item: PlanItem; error?: ReelsyncError }> {
  let seen: Inspection | undefined;
  const facts = () => (seen === undefined ? {} : factsOf(seen));
  try {
    seen = await BUCKET_SETTINGS[setting](bucket);
    if (seen.state !== "change" || !apply) return { item: { setting, state: seen.state, ...factsOf(seen) } };
    await seen.apply();
    return { item: { setting, state: "changed", ...factsOf(seen) } };
  } catch (thrown) {
    const error = codedError(thrown);
    if (isUnsupported(error, bucket.config)) {
      const now = "the store does not have it";
      return { item: { setting, state: "unsupported", now, note: describe(error).message } };
    }
    return { item: { setting, state: "failed", ...facts(), error: describe(error) }, error };
  }
}

function factsOf(seen: Inspection): Pick<PlanItem, "now" | "wanted" | "note"> {
  return {
    now: seen.now,
    ...(seen.state === "change" && { wanted: seen.wanted }),
    ...("note" in seen && { note: seen.note }),
  };
}
