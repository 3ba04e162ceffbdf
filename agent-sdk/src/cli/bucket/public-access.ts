import {
  GetPublicAccessBlockCommand,
  PutPublicAccessBlockCommand,
  type PublicAccessBlockConfiguration,
} from "@aws-sdk/client-s3";
import { isAws, read, write, type BucketSetting } from "./bucket-setting.ts";

/** Nobody reads without a signature. A bucket that is served publicly on purpose is left as it is. */
export const publicAccess: BucketSetting = async (bucket) => {
  const { client, config } = bucket;
  const where = { Bucket: config.bucket };
  const found = await read(
    bucket,
    "GetPublicAccessBlock",
    (options) => client.send(new GetPublicAccessBlockCommand(where), options),
    "NoSuchPublicAccessBlockConfiguration",
  );
  const present = found?.PublicAccessBlockConfiguration;
  const now = inWords(present ?? {});
  if (config.publicBaseUrl !== undefined) {
    return { state: "skipped", now, note: "S3_PUBLIC_BASE_URL is set: the bucket may be public on purpose" };
  }
  const wanted: PublicAccessBlockConfiguration = {
    // Ceph's gateway then refuses every later PUT, the owner's too.
    BlockPublicAcls: isAws(config),
    IgnorePublicAcls: true,
    BlockPublicPolicy: true,
    RestrictPublicBuckets: true,
  };
  if (FLAGS.every((flag) => (present?.[flag] ?? false) === wanted[flag])) return { state: "ok", now };
  return {
    state: "change",
    now,
    wanted: inWords(wanted),
    ...(!isAws(config) && {
      note: "BlockPublicAcls is left off: some stores that are not AWS refuse every PUT with it",
    }),
    apply: () =>
      write(bucket, "PutPublicAccessBlock", (options) =>
        client.send(
          new PutPublicAccessBlockCommand({ ...where, PublicAccessBlockConfiguration: wanted }),
          options,
        ),
      ),
  };
};

const FLAGS = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"] as const;

function inWords(block: PublicAccessBlockConfiguration): string {
  const on = FLAGS.filter((flag) => block[flag]);
  return on.length === 0 ? "not blocked" : on.length === FLAGS.length ? "blocked" : on.join(" ");
}
