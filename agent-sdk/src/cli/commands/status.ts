/** `reelsync status`: how far a session is, once or live. */
import type { Timeline, TimelineScene } from "../../../../contract/playback.ts";
import { api } from "../../../../convex/_generated/api.js";
import { ReelsyncError } from "../../errors.ts";
import { columns, plain } from "../columns.ts";
import { connect, type Connection } from "../connection.ts";
import { correlated } from "../correlated.ts";
import { defineCommand } from "../command.ts";
import { EXIT, UsageError } from "../exit-code.ts";
import type { Colour, Output } from "../output.ts";
import { plural, size } from "../quantities.ts";
import { showUpload } from "../show-upload.ts";

const HELP = "reelsync status --help shows how.";

export const status = defineCommand({
  path: ["status"],
  summary: "Show how far a session is, scene by scene, or where one upload is",
  details:
    "With --json one document, its assets with their correlation ids. With --watch every change is shown as the deployment pushes it, until the session has ended " +
    "or failed; with --json each is one document as it was pushed, without those ids. With --upload it says whether that upload is recorded, queued on this machine, " +
    "under way, or a dead letter.",
  args: { sessionId: { takes: "optional", placeholder: "session-id", summary: "The session" } },
  options: {
    watch: { kind: "flag", summary: "Stay, and show every change" },
    upload: { kind: "text", placeholder: "ID", summary: "The upload, instead of a session" },
  },
  examples: [
    { does: "now", line: "reelsync status $session" },
    { does: "live, until it ends", line: "reelsync status $session --watch" },
    { does: "what became of a queued upload", line: "reelsync status --upload $upload" },
  ],
  async run({ args: { sessionId }, options }, context) {
    const { output } = context;
    if (options.upload !== undefined) {
      if (sessionId === undefined && !options.watch) return showUpload(options.upload, context);
      throw new UsageError("--upload stands alone, without a session and --watch", HELP);
    }
    if (sessionId === undefined) throw new UsageError("A session's id or --upload is missing", HELP);
    const connection = connect(context);
    try {
      // Asked once in any case: a subscription would wait for a deployment that cannot be reached.
      const now = await readTimeline(connection, sessionId);
      if (!options.watch) {
        output.give(output.json ? await correlated(connection, now) : now, text(now, output).join("\n"));
        return EXIT.ok;
      }
      await connection.follow(api.playback.timeline, { sessionId }, (timeline) => {
        const seen = required(timeline, sessionId);
        const isLast = seen.status !== "live";
        const lines = text(seen, output);
        if (output.liveData.visible && !isLast) output.liveData.draw(lines);
        else {
          output.liveData.draw([]);
          output.give(seen, [...lines, ...(isLast ? [] : [""])].join("\n"));
        }
        return isLast;
      });
      return EXIT.ok;
    } finally {
      connection.close();
    }
  },
});

async function readTimeline(connection: Connection, sessionId: string): Promise<Timeline> {
  return required(await connection.run("query", api.playback.timeline, { sessionId }), sessionId);
}

function required(timeline: Timeline | null, sessionId: string): Timeline {
  if (timeline !== null) return timeline;
  throw new ReelsyncError("SESSION_NOT_FOUND", `No session with id "${sessionId}" is visible to you`);
}

function text(timeline: Timeline, output: Output): string[] {
  const { title, status: state, scenes, plannedSceneCount = 0, totalAssetSize } = timeline;
  const ready = scenes.filter((scene) => scene.status === "ready").length;
  const failed = scenes.filter((scene) => scene.status === "failed").length;
  const facts = [
    `${ready} of ${plural(Math.max(scenes.length, plannedSceneCount), "scene")} ready`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    size(totalAssetSize),
  ];
  return [
    `${output.paint("bold", plain(title))}  ${output.paint(COLOUR_OF[state] ?? "dim", state)}  ${facts.join(", ")}`,
    ...columns(scenes.map((scene) => sceneRow(scene, output))).map((line) => `  ${line}`),
  ];
}

const COLOUR_OF: Partial<Record<string, Colour>> = {
  live: "cyan",
  ended: "green",
  ready: "green",
  rendering: "cyan",
  failed: "red",
};

function sceneRow(scene: TimelineScene, { paint }: Output): string[] {
  const bytes = scene.chunks.reduce((sum, chunk) => sum + chunk.size, 0);
  const details = [
    ...(scene.chunks.length > 0 ? [plural(scene.chunks.length, "chunk"), size(bytes)] : []),
    ...(scene.assetsStatus === "uploading" ? ["uploading"] : []),
    ...(scene.errorMessage === undefined ? [] : [plain(scene.errorMessage)]),
  ];
  return [
    String(scene.index).padStart(3),
    paint(COLOUR_OF[scene.status] ?? "dim", scene.status),
    plain(scene.title),
    scene.sceneId,
    scene.assetVersion > 0 ? `v${scene.assetVersion}` : "",
    details.join(", "),
  ];
}
