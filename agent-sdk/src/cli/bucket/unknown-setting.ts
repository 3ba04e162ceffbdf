/**
 * Whether a store has a setting at all. Reading says nothing: many stores answer as if it had never been set. So it is
 * asked to set what no store can take, because it is no document: one that knows the setting refuses that, and one that
 * does not says so. Nothing changes either way.
 */
import type { BuildHandlerArguments } from "@smithy/types";
import { codedError, type ReelsyncError } from "../../errors.ts";
import { createS3Client } from "../../s3/s3-client.ts";
import { isAws, isNotImplemented, type Bucket, type BucketSetting } from "./bucket-setting.ts";

const NO_DOCUMENT = "reelsync asks whether this setting is known";

/** How the store says that it does not have it; undefined where it has. */
export async function refusalOfUnknown(
  setting: BucketSetting,
  bucket: Bucket,
): Promise<ReelsyncError | undefined> {
  if (isAws(bucket.config)) return undefined;
  const client = createS3Client({ ...bucket.config, maxAttempts: 1 });
  client.middlewareStack.add(
    (next) => (args) => {
      const request = (args as BuildHandlerArguments<object>).request as { method: string; body?: unknown };
      if (request.method === "PUT") request.body = NO_DOCUMENT;
      return next(args);
    },
    { step: "serialize", priority: "low", name: "sendNoDocument" },
  );
  try {
    const seen = await setting({ ...bucket, client });
    if (seen.state === "change") await seen.apply();
    return undefined;
  } catch (thrown) {
    const error = codedError(thrown);
    return isNotImplemented(error) ? error : undefined;
  } finally {
    client.destroy();
  }
}
