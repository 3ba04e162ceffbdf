/** Where one upload is, as `reelsync status --upload` says it. */
import { withReelsync } from "./agent.ts";
import { plain } from "./columns.ts";
import type { Context } from "./context.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";
import { date } from "./quantities.ts";
import type { UploadStatus } from "../upload-status.ts";

export async function showUpload(uploadId: string, context: Context): Promise<ExitCode> {
  const { output, signal } = context;
  const status = await withReelsync(context, (reelsync) => reelsync.uploadStatus(uploadId, { signal }));
  output.give(status, [uploadId, status.state, ...details(status)].join("  "));
  return EXIT.ok;
}

function details(status: UploadStatus): string[] {
  switch (status.state) {
    case "uploading":
      return [];
    case "queued":
      return [`since ${date(status.since)}`, ...(status.code === undefined ? [] : [status.code])];
    case "recorded":
      return [status.asset.status, status.asset.assetId, status.asset.s3Key];
    case "dead_letter":
      return [status.deadLetter.state, status.deadLetter.code, plain(status.deadLetter.message)];
  }
}
