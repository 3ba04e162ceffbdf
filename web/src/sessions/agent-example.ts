/** What the README opens with; a test holds the two together. */
export const AGENT_EXAMPLE = `import { createReelsync } from "reelsync";

const reelsync = createReelsync(); // reads CONVEX_URL, REELSYNC_AGENT_KEY, S3_BUCKET …: see .env.example
const { sessionId } = await reelsync.createSession({ title: "Reel", project: "demo", sessionKey: "run 1" });
const { sceneId } = await reelsync.upsertScene({ sessionId, sceneKey: "intro", index: 0, title: "Intro" });
const entity = { type: "scene", id: sceneId } as const;
const asset = await reelsync.uploadWithConvexSync({ file: "intro.mp4", entity, assetType: "video_chunk" });
console.log(asset.s3Key, asset.version, asset.sha256);`;
