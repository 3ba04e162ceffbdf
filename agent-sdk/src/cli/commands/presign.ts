/** `reelsync presign`: URLs of stored assets, as every player of the deployment gets them. */
import { MAX_URLS_PER_CALL } from "../../../../contract/limits.ts";
import { api } from "../../../../convex/_generated/api.js";
import { ReelsyncError } from "../../errors.ts";
import { connect } from "../connection.ts";
import { defineCommand } from "../command.ts";
import { EXIT, UsageError } from "../exit-code.ts";
import { date } from "../quantities.ts";

export const presign = defineCommand({
  path: ["presign"],
  summary: "Print URLs of assets, good for a while",
  details:
    "One URL a line, in the order of the ids. With --json each has `expiresAt` (milliseconds since the epoch, null for public URLs). Fails when one of the ids " +
    "names no stored asset of yours, after printing the others.",
  args: {
    assetId: { takes: "many", placeholder: "asset-id", summary: "Assets, as upload and ls print them" },
  },
  options: {
    download: {
      kind: "flag",
      summary: "URLs that browsers save under the file's name instead of showing it",
    },
  },
  examples: [
    { does: "look at one", line: 'curl -sSf -o intro.mp4 "$(reelsync presign $asset)"' },
    { does: "to hand out for saving", line: "reelsync presign $asset --download" },
  ],
  async run({ args: { assetId: assetIds }, options }, context) {
    if (assetIds.length > MAX_URLS_PER_CALL) {
      throw new UsageError(
        `${assetIds.length} ids are given, at most ${MAX_URLS_PER_CALL} go at once`,
        "Ask in batches.",
      );
    }
    const connection = connect(context);
    try {
      const urls = await connection.run("action", api.playback.urls, {
        assetIds,
        download: options.download,
      });
      const byId = new Map(urls.map((signed) => [signed.assetId, signed]));
      for (const assetId of assetIds) {
        const signed = byId.get(assetId);
        if (signed !== undefined) context.output.give(signed, signed.url);
      }
      const [first] = urls;
      if (first?.expiresAt != null) context.output.say(`good until ${date(first.expiresAt)}`);
      const missing = assetIds.filter((assetId) => !byId.has(assetId));
      if (missing.length > 0) {
        throw new ReelsyncError("NOT_FOUND", `${missing.join(", ")}: no stored asset of yours`);
      }
      return EXIT.ok;
    } finally {
      connection.close();
    }
  },
});
