/** `reelsync upload`: files into a scene or session, through the SDK's one call. */
import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { AssetType } from "../../../../contract/asset.ts";
import type { Reelsync } from "../../client.ts";
import { isReelsyncError } from "../../errors.ts";
import type { UploadRequest } from "../../upload-request.ts";
import { plain } from "../columns.ts";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { DESCRIBING_OPTIONS, describedBy, resultLine, type DescribingValues } from "../described-upload.ts";
import { commonExitCode, EXIT, exitCodeOf, UsageError, type ExitCode } from "../exit-code.ts";
import { describe } from "../output.ts";
import { createProgressBars, type ProgressBars } from "../progress-bars.ts";
import { QUEUE_DETAILS, QUEUE_OPTION, withQueueing, type Reasons } from "../queueing.ts";
import { runAll } from "../run-all.ts";

/** More files at once would only share the same requests and memory. */
const FILES_AT_ONCE = 4;
const STDIN = "-";

/** Of these an entity holds several, told apart by their chunk index. */
const NUMBERED: readonly AssetType[] = ["video_chunk", "transcript", "processed", "other"];

export const upload = defineCommand({
  path: ["upload"],
  summary: "Store files in the bucket and record them in Convex",
  details:
    "The same content for the same place is one asset, however often it is uploaded. Several files become consecutive chunks, counted from --chunk. " +
    "Prints asset id, state, version, size and key of each file as it is done; with --json one document a file, in which a file that failed has `error`. " +
    "Ctrl-C takes back what is under way. " +
    QUEUE_DETAILS,
  args: { file: { takes: "many", summary: `Files to upload; ${STDIN} reads standard input (needs --name)` } },
  options: { ...DESCRIBING_OPTIONS, ...QUEUE_OPTION },
  oneOf: [["scene", "session"]],
  examples: [
    { does: "a chunk of a scene", line: "reelsync upload intro.mp4 --scene $scene --type video_chunk" },
    {
      does: "several, as chunks 0, 1, 2 …",
      line: "reelsync upload part-*.mp4 --scene $scene --type video_chunk",
    },
    {
      does: "from a pipe",
      line: "reelsync upload - --name captions.srt --scene $scene --type subtitle",
    },
    {
      does: "with facts, as JSON",
      line: "reelsync upload cover.png --session $session --type thumbnail --meta seed=42 --json",
    },
    {
      does: "whatever is down",
      line: "reelsync upload intro.mp4 --scene $scene --type video_chunk --queue",
    },
  ],
  async run({ args, options }, context) {
    const requests = plan(args.file, options, context);
    return withQueueing(context, options.queue, async (reelsync, reasons) => {
      const bars = createProgressBars(context.output.liveTalk, context.output.paintTalk);
      try {
        const codes = await runAll(
          requests,
          FILES_AT_ONCE,
          (request) => uploadOne({ reelsync, reasons, bars, context }, request, requests.length > 1),
          context.signal,
        );
        return context.signal.aborted ? EXIT.interrupted : commonExitCode(codes);
      } finally {
        bars.close();
      }
    });
  },
});

interface Planned {
  /** As it was written on the command line. */
  file: string;
  request: UploadRequest;
}

function plan(files: readonly string[], options: DescribingValues, context: Context): Planned[] {
  const { type, name } = options;
  const help = "reelsync upload --help shows how.";
  const described = describedBy(options, context, help);
  const isNumbered = NUMBERED.includes(type);
  if (files.length > 1 && !isNumbered) {
    throw new UsageError(`There is one ${type} only, and ${files.length} files are given`, help);
  }
  if (files.length > 1 && (name !== undefined || files.includes(STDIN))) {
    throw new UsageError("--name and - are for a single file", help);
  }
  if (files.includes(STDIN) && name === undefined) throw new UsageError("- needs --name", help);
  return files.map((file, index) => ({
    file,
    request: {
      ...described,
      file: file === STDIN ? context.stdin : resolve(context.cwd, file),
      chunkIndex: (options.chunk ?? 0) + index,
    },
  }));
}

interface Uploading {
  reelsync: Reelsync;
  reasons: Reasons;
  bars: ProgressBars;
  context: Context;
}

async function uploadOne(
  { reelsync, reasons, bars, context: { output } }: Uploading,
  { file, request }: Planned,
  isOneOfMany: boolean,
): Promise<ExitCode> {
  const bar = bars.track(request.fileName ?? basename(file), await sizeOf(request.file));
  try {
    const answer = await reelsync.uploadWithConvexSync({ ...request, onProgress: bar.report });
    bar.end();
    const result = reasons.beside(answer);
    output.give({ file, ...result }, resultLine(file, result, output.paint));
    return EXIT.ok;
  } catch (error) {
    bar.end();
    const code = exitCodeOf(error);
    if (isReelsyncError(error) && error.code === "ROLLOUT_OFF") {
      // A script goes on, as an agent does: somebody has decided that nothing is uploaded.
      output.give({ file, state: "skipped" }, `${plain(file)}  skipped (the rollout is off)`);
      return EXIT.ok;
    }
    if (!isOneOfMany) throw error;
    if (code === EXIT.interrupted) return code;
    // Among several, a failed file has its place in the data too.
    if (output.json) output.give({ file, error: describe(error) }, "");
    else {
      output.say(plain(file));
      output.fail(error);
    }
    return code;
  }
}

/** For the total of several files only; what cannot be read is refused by the upload itself. */
async function sizeOf(file: UploadRequest["file"]): Promise<number> {
  return typeof file === "string" ? ((await stat(file).catch(() => undefined))?.size ?? 0) : 0;
}
