/** What is asked before anything is begun, so that a wrong configuration changes nothing anywhere. Once it held, it costs nothing. */
import type { Call } from "./call.ts";
import { tokenIfAnswered, type AgentTokens } from "./convex/agent-token.ts";
import { ReelsyncError } from "./errors.ts";
import type { ObjectStore } from "./s3/object-store.ts";

export async function preflight(tokens: AgentTokens, objects: ObjectStore, call: Call): Promise<void> {
  const usable = objects.assertUsable(call);
  usable.catch(() => undefined);
  // An outage says nothing about the configuration; the steps that follow wait for its end.
  const bucket = (await tokenIfAnswered(tokens))?.bucket;
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
