/** `reelsync manifest`: what a session holds, as one document; printed, or stored beside it. */
import type { Reelsync } from "../../client.ts";
import { isReelsyncError } from "../../errors.ts";
import { withReelsync } from "../agent.ts";
import type { Context } from "../context.ts";
import { defineCommand } from "../command.ts";
import { EXIT, UsageError } from "../exit-code.ts";

export const manifest = defineCommand({
  path: ["manifest"],
  summary: "Print what a session holds as one document, or store it as manifest.json",
  details:
    "Keys, sizes, SHA-256, types and versions of all current assets, in the order of the scenes; URLs only where the bucket has a public address, or with --urls. A stored " +
    "manifest holds no URL that expires, and stays one version while nothing changes.",
  args: { sessionId: { placeholder: "session-id", summary: "The session" } },
  options: {
    write: { kind: "flag", summary: "Store it as the session's manifest" },
    urls: { kind: "flag", summary: "Add a fresh URL to every asset that is printed" },
  },
  examples: [
    {
      does: "hashes to compare with",
      line: "reelsync manifest $session --json | jq -r '.scenes[].assets[].sha256'",
    },
    { does: "beside the files", line: "reelsync manifest $session --write" },
  ],
  async run({ args: { sessionId }, options }, context) {
    const { output, signal } = context;
    if (options.write && options.urls) {
      throw new UsageError(
        "--urls gives URLs that expire, and what is stored does not",
        "Leave one of the two out.",
      );
    }
    return withReelsync(context, async (reelsync) => {
      if (options.write) {
        await write(reelsync, sessionId, context);
      } else {
        const found = await reelsync.getAssetManifest(sessionId, { urls: options.urls, signal });
        output.give(found, JSON.stringify(found, null, 2));
      }
      return EXIT.ok;
    });
  },
});

async function write(
  reelsync: Reelsync<"strict">,
  sessionId: string,
  { output, signal }: Context,
): Promise<void> {
  try {
    const { upload } = await reelsync.writeManifest(sessionId, { signal });
    const state = upload.deduped === true ? "known already" : upload.state;
    output.give(upload, `${state}  v${upload.version ?? "?"}  ${upload.s3Key ?? upload.uploadId}`);
  } catch (error) {
    if (!isReelsyncError(error) || error.code !== "ROLLOUT_OFF") throw error;
    // A script goes on, as after `reelsync upload`.
    output.give({ state: "skipped" }, "skipped (the rollout is off)");
  }
}
