/** What is asked before anything is begun, so that a wrong configuration changes nothing anywhere. Once it held, it costs nothing. */
import type { Call } from "./call.ts";
import type { AgentTokens } from "./convex/agent-token.ts";
import { isReelsyncError, ReelsyncError } from "./errors.ts";
import type { ObjectStore } from "./s3/object-store.ts";

export async function preflight(tokens: AgentTokens, objects: ObjectStore, call: Call): Promise<void> {
  const usable = objects.assertUsable(call);
  usable.catch(() => undefined);
  const bucket = await recordedBucket(tokens);
  // Says more than that a mistyped bucket does not exist.
  if (bucket !== undefined && objects.type === "s3") assertSameBucket(objects, bucket);
  await usable;
}

export function assertSameBucket(objects: ObjectStore, bucket: string): void {
  if (bucket === objects.bucket) return;
  throw new ReelsyncError(
    "BUCKET_MISMATCH",
    `This agent stores in "${objects.bucket}", the deployment records objects of "${bucket}"`,
  );
}

/** An outage says nothing about the configuration; the steps that follow wait for its end. */
async function recordedBucket(tokens: AgentTokens): Promise<string | undefined> {
  try {
    return (await tokens.get()).bucket;
  } catch (error) {
    if (isReelsyncError(error) && error.retryable) return undefined;
    throw error;
  }
}
