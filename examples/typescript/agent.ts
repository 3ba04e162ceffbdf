/** A video agent: one scene for each rendered file, watchable while the next one is still on its way. */
import { createHash } from "node:crypto";
import { basename, extname } from "node:path";
import { createReelsync, isReelsyncError } from "reelsync";

const files = process.argv.slice(2);
// The same key goes on with the same session. One that has ended takes no new scene, so other files are another run.
const run = createHash("sha256").update(files.join("\n")).digest("hex").slice(0, 12);
const sessionKey = process.env["SESSION_KEY"] ?? `typescript-${run}`;
const reelsync = createReelsync(); // reads the environment, names every fault in one error
reelsync.on((event) => {
  if (event.type === "retry") console.error(`${event.operation} is tried again: ${event.code}`);
});

try {
  const { sessionId } = await reelsync.createSession({
    title: "From TypeScript",
    project: "examples",
    sessionKey,
    plannedSceneCount: files.length,
  });
  for (const [index, file] of files.entries()) {
    const sceneKey = basename(file, extname(file));
    const { sceneId } = await reelsync.upsertScene({ sessionId, sceneKey, index, title: sceneKey });
    const asset = await reelsync.uploadWithConvexSync({
      file,
      entity: { type: "scene", id: sceneId },
      assetType: "video_chunk",
      metadata: { renderer: "examples/typescript" },
      onProgress: ({ phase, loaded, total }) => {
        if (phase === "uploading" && loaded === total) console.error(`${file}: ${loaded} bytes sent`);
      },
    });
    // "queued": S3 or Convex is down. The upload is safe on this disk, and sent when both are back.
    console.log(sceneKey, asset.state, asset.version ?? "-", asset.sha256);
  }
  await reelsync.endSession({ sessionId });
  console.log(sessionId);
} catch (error) {
  if (!isReelsyncError(error)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
} finally {
  await reelsync.close();
}
