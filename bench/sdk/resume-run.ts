/** An agent for `resume.ts`: with a file it uploads until it is killed, without one it sends what such an agent has left. */
import { randomUUID } from "node:crypto";
import { createReelsync } from "reelsync";

const [, , file] = process.argv;
const reelsync = createReelsync();
if (file === undefined) {
  console.log(JSON.stringify(await reelsync.drain()));
  await reelsync.close();
} else {
  const session = { title: "resume", project: "bench", sessionKey: randomUUID() };
  const { sessionId } = await reelsync.createSession(session);
  const scene = { sessionId, sceneKey: "one", index: 0, title: "one" };
  const { sceneId: id } = await reelsync.upsertScene(scene);
  await reelsync.uploadWithConvexSync({ file, entity: { type: "scene", id }, assetType: "video_chunk" });
}
