/** `reelsync demo`: a small reel drawn with ffmpeg, through the configured deployment and bucket, scene by scene. */
import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SECOND } from "../../../../contract/limits.ts";
import type { Reelsync } from "../../client.ts";
import { withTemporaryFolder } from "../../file/temporary-file.ts";
import { assertFfmpeg, runFfmpeg } from "../../media/ffmpeg.ts";
import { withReelsync } from "../agent.ts";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit-code.ts";
import { plural } from "../quantities.ts";

interface Drawing {
  title: string;
  /** A source of ffmpeg's own, so that nothing has to be shipped or downloaded. */
  source: string;
}

const DRAWINGS: readonly [Drawing, ...Drawing[]] = [
  { title: "Test card", source: "testsrc2=size=1280x720:rate=25" },
  { title: "Mandelbrot", source: "mandelbrot=size=1280x720:rate=25" },
  {
    title: "Life",
    source:
      "life=size=320x180:rate=25:ratio=0.1:mold=25:life_color=#7dd3fc:death_color=#1e3a8a:mold_color=#0f172a,scale=1280:720:flags=neighbor",
  },
  { title: "Sierpinski", source: "sierpinski=size=1280x720:rate=25" },
  { title: "Rule 110", source: "cellauto=rule=110:size=320x180:rate=25,scale=1280:720:flags=neighbor" },
];
const SCENE_SECONDS = 3;

export const demo = defineCommand({
  path: ["demo"],
  summary: "Draw a small reel and upload it, to see a deployment work from end to end",
  details:
    "Creates a session and, scene by scene, draws a clip with ffmpeg and uploads it with its thumbnail, subtitles and source. Open the session in the web app " +
    "meanwhile: it plays while it is still being made. Prints a line a scene; with --json one document each: `sessionId`, `sceneId`, `title`, `assets`.",
  args: {},
  options: {
    project: { kind: "text", placeholder: "SLUG", summary: "Project of the session (demo)" },
    scenes: { kind: "count", min: 1, summary: "How many scenes (3)" },
    key: { kind: "text", summary: "The session's key, to go on with an earlier one; made up unless given" },
  },
  examples: [{ does: "two scenes, and where they are", line: "reelsync demo --scenes 2 --json" }],
  async run({ options }, context) {
    const { project = "demo", scenes = 3, key = `demo-${randomUUID()}` } = options;
    await assertFfmpeg(context.signal);
    return withReelsync(context, async (reelsync) => {
      const { sessionId } = await reelsync.createSession(
        { title: "Demo reel", project, sessionKey: key, plannedSceneCount: scenes },
        { signal: context.signal },
      );
      context.output.say(`session ${sessionId}, ${plural(scenes, "scene")}`);
      for (let index = 0; index < scenes; index++) await makeScene(reelsync, sessionId, index, context);
      await reelsync.endSession({ sessionId }, { signal: context.signal });
      return EXIT.ok;
    });
  },
});

async function makeScene(
  reelsync: Reelsync<"strict">,
  sessionId: string,
  index: number,
  { output, signal }: Context,
): Promise<void> {
  const { title, source } = DRAWINGS[index % DRAWINGS.length] ?? DRAWINGS[0];
  const scene = { sessionId, sceneKey: `scene-${index + 1}`, index, title };
  const { sceneId } = await reelsync.upsertScene(scene, { signal });
  output.liveTalk.draw([`drawing ${title}`]);
  const { successful, failed } = await withTemporaryFolder("demo", async (folder) => {
    await draw(folder, title, source, signal);
    output.liveTalk.draw([`uploading ${title}`]);
    return reelsync.syncSceneAssets(
      sceneId,
      [
        { file: join(folder, "scene.json"), assetType: "source_code" },
        { file: join(folder, "thumbnail.jpg"), assetType: "thumbnail" },
        { file: join(folder, "captions.srt"), assetType: "subtitle" },
        {
          file: join(folder, "scene.mp4"),
          assetType: "video_chunk",
          durationMs: SCENE_SECONDS * SECOND,
        },
      ],
      { signal },
    );
  }).finally(() => output.liveTalk.draw([]));
  const [first] = failed;
  if (first !== undefined) throw first.error;
  const assets = successful.map(({ assetId, s3Key, version, state }) => ({ assetId, s3Key, version, state }));
  output.give(
    { sessionId, sceneId, title, assets },
    `${sceneId}  ${title}  ${plural(assets.length, "asset")}`,
  );
}

/** What a renderer leaves: the clip, a still of it, its words, and what it was made from. */
async function draw(folder: string, title: string, source: string, signal: AbortSignal): Promise<void> {
  const clip = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-movflags", "+faststart"];
  const length = String(SCENE_SECONDS);
  await runFfmpeg(["-f", "lavfi", "-i", source, "-t", length, ...clip, "scene.mp4"], { cwd: folder, signal });
  await runFfmpeg(["-ss", "1", "-i", "scene.mp4", "-frames:v", "1", "-q:v", "4", "thumbnail.jpg"], {
    cwd: folder,
    signal,
  });
  await writeFile(
    join(folder, "captions.srt"),
    `1\n00:00:00,200 --> 00:00:0${SCENE_SECONDS},000\n${title}\n`,
  );
  await writeFile(
    join(folder, "scene.json"),
    `${JSON.stringify({ title, source, seconds: SCENE_SECONDS }, null, 2)}\n`,
  );
}
