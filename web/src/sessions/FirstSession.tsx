import { Clapperboard } from "lucide-react";
import { CodeBlock } from "../ui/CodeBlock.tsx";
import { Notice } from "../ui/Notice.tsx";

/** The same eight lines the README opens with; a test runs them there. */
const SNIPPET = `import { createReelsync } from "reelsync";

const reelsync = createReelsync(); // reads REELSYNC_AGENT_KEY, CONVEX_URL and the S3 variables
const session = await reelsync.createSession({ title: "My first reel", project: "demo", sessionKey: "run-1" });
const scene = await reelsync.upsertScene({ sessionId: session.sessionId, sceneKey: "intro", index: 0, title: "Intro" });
const entity = { type: "scene", id: scene.sceneId };
await reelsync.uploadWithConvexSync({ file: "intro.mp4", entity, assetType: "video_chunk" });
await reelsync.endSession({ sessionId: session.sessionId, outcome: "ended" });`;

export function FirstSession() {
  return (
    <Notice title="No sessions yet" icon={<Clapperboard size={24} />} testId="no-sessions">
      <p>
        A session appears here the moment an agent creates one, and can be watched as soon as its first scene
        is uploaded. Eight lines in your agent are enough:
      </p>
      <CodeBlock title="agent.ts" code={SNIPPET} />
    </Notice>
  );
}
