/** Where one upload is, as `reelsync status --upload` says it. Only looks: no client is started, which would send what waits. */
import { resolve } from "node:path";
import { api } from "../../../convex/_generated/api.js";
import { queuedElsewhere } from "../journal/elsewhere.ts";
import { uploadStatus, type UploadStatus } from "../upload-status.ts";
import { isReelsyncError, ReelsyncError } from "../errors.ts";
import { plain } from "./columns.ts";
import { connect } from "./connection.ts";
import type { Context } from "./context.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";
import { findLetter } from "./letters.ts";
import { date } from "./quantities.ts";
import { journalDirOf } from "./settings.ts";

export async function showUpload(uploadId: string, context: Context): Promise<ExitCode> {
  const root = resolve(journalDirOf(context.env));
  const connection = connect(context);
  try {
    const status = await uploadStatus(uploadId, {
      queuedElsewhere: (id) => queuedElsewhere(root, "", id),
      rowOf: (id) => connection.run("query", api.assets.byUpload, { uploadId: id }),
      letterOf: (id) => findLetter(connection, context, id),
    }).catch((error: unknown) => {
      throw notFound(error, uploadId, root);
    });
    context.output.give(status, [uploadId, status.state, ...details(status)].join("  "));
    return EXIT.ok;
  } finally {
    connection.close();
  }
}

/** One that is queued is found in its own journal only. */
function notFound(error: unknown, uploadId: string, root: string): unknown {
  if (!isReelsyncError(error) || error.code !== "NOT_FOUND") return error;
  return new ReelsyncError(
    "NOT_FOUND",
    `${uploadId} names no upload of yours, and none waits under it in ${root}`,
    { cause: error, hint: "Check the id; REELSYNC_JOURNAL_DIR says which journal to look in." },
  );
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
