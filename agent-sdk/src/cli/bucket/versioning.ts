import { GetBucketVersioningCommand, PutBucketVersioningCommand } from "@aws-sdk/client-s3";
import { read, write, type BucketSetting } from "./bucket-setting.ts";

/** So that an overwrite or delete by somebody else can be undone. */
export const versioning: BucketSetting = async (bucket) => {
  const { client, config } = bucket;
  const where = { Bucket: config.bucket };
  const found = await read(bucket, "GetBucketVersioning", (options) =>
    client.send(new GetBucketVersioningCommand(where), options),
  );
  const now = found?.Status?.toLowerCase() ?? "never enabled";
  if (now === "enabled") return { state: "ok", now };
  return {
    state: "change",
    now,
    wanted: "enabled",
    apply: () =>
      write(bucket, "PutBucketVersioning", (options) =>
        client.send(
          new PutBucketVersioningCommand({ ...where, VersioningConfiguration: { Status: "Enabled" } }),
          options,
        ),
      ),
  };
};
