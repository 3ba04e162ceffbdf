/** One demo run: the agent makes the reel through two outages, a witness watches, and every byte is verified at the end. */
import { join } from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import { ConvexHttpClient } from "convex/browser";
import { createReelsync } from "reelsync";
import { announceReel, type DemoAgentOptions, renderReel, renderScene, type UploadedAsset } from "./agent.ts";
import { causeOutage, type Outage } from "./outage.ts";
import { createRenderer } from "./render.ts";
import { RERENDERED_SCENE_KEY, SCENES } from "./scenes.ts";
import { BUCKET, type ReelsyncStack } from "./stack.ts";
import { type VerifiedAsset, verifyAsset } from "./verify.ts";
import { watchSession } from "./witness.ts";

const S3_OUTAGE_SCENE = "03-mandelbrot";
const CONVEX_OUTAGE_SCENE = "05-life";
const OUTAGE_MS = 2_500;

export interface DemoAsset extends VerifiedAsset {
  sceneKey: string;
  assetType: string;
  attempts: number;
}

export interface DemoScene {
  sceneKey: string;
  title: string;
  /** Renderer closed the chunk → the record was committed, and → an official client's subscription showed it. */
  closedToCommittedMs: number;
  committedToSeenMs: number;
}

export interface DemoSummary {
  ok: boolean;
  sessionId: string;
  renderer: string;
  seconds: number;
  assets: DemoAsset[];
  scenes: DemoScene[];
  outages: Outage[];
  faults: string[];
}

export interface DemoOptions {
  stack: ReelsyncStack;
  workDir: string;
  paceMs: number;
  /** Called when the planned reel can be seen, before the first scene is rendered. */
  onSession?: (sessionId: string) => Promise<void>;
  onProgress?: (text: string) => void;
}

export async function runDemo(options: DemoOptions): Promise<DemoSummary> {
  const { stack } = options;
  const say = options.onProgress ?? (() => undefined);
  const startedAt = performance.now();
  // A folder has no outage to be healed of.
  const keepsLocally = stack.agentEnv["STORAGE_TYPE"] === "LOCAL";
  const uploaded: UploadedAsset[] = [];
  const outages: Promise<Outage>[] = [];

  const reelsync = createReelsync({
    env: stack.agentEnv,
    // It shows when each file is published, so it waits for that.
    mode: "strict",
    journalDir: join(options.workDir, "journal"),
    deadLetterDir: join(options.workDir, "dead-letters"),
    // A demo must heal within its outage, not within the minutes that production allows itself.
    retry: { attempts: 8, maxDelayMs: 2_000 },
  });
  const renderer = await createRenderer(join(options.workDir, "renders"), options.paceMs);
  const cause = async (service: Outage["service"], duringScene: string) => {
    say(`!  stopping ${service} for ${OUTAGE_MS / 1000} s while "${duringScene}" uploads`);
    const target = service === "S3" ? stack.local.objectStore : stack.local.deployment;
    const { over } = await causeOutage(target, { service, duringScene, forMs: OUTAGE_MS });
    outages.push(over.then((outage) => (say(`   ${service} is back after ${outage.downMs} ms`), outage)));
  };
  const agent: DemoAgentOptions = {
    reelsync,
    renderer,
    directory: join(options.workDir, "renders"),
    sessionKey: `demo ${new Date().toISOString()}`,
    onAsset: (asset) => {
      uploaded.push(asset);
      const tries = asset.attempts > 1 ? `, ${asset.attempts} attempts` : "";
      say(`   ${asset.assetType.padEnd(11)} v${asset.version} ${formatBytes(asset.size)}${tries}`);
    },
    onScene: (scene, step) => {
      if (step === "rendering") say(`${SCENES.indexOf(scene) + 1}/${SCENES.length} ${scene.title}`);
    },
    beforeUpload: async (scene) => {
      if (scene.sceneKey === S3_OUTAGE_SCENE && !keepsLocally) await cause("S3", scene.sceneKey);
      if (scene.sceneKey === CONVEX_OUTAGE_SCENE) await cause("Convex", scene.sceneKey);
    },
  };

  try {
    const reel = await announceReel(agent);
    await options.onSession?.(reel.sessionId);
    const witness = watchSession(stack.local.deployment.url, reel.sessionId, () => stack.tokenFor("vera"));
    try {
      await renderReel(agent, reel);
      const again = SCENES.find(({ sceneKey }) => sceneKey === RERENDERED_SCENE_KEY);
      if (again === undefined) throw new Error(`no scene ${RERENDERED_SCENE_KEY}`);
      say(`↻  ${again.title}, rendered again`);
      await renderScene(agent, again, reel.sceneIds.get(again.sceneKey) ?? "", 2);
      const healed = await Promise.all(outages);
      await reelsync.endSession({ sessionId: reel.sessionId, outcome: "ended" });

      const scenes = await Promise.all(chunkLatencies(uploaded, (assetId) => witness.seen(assetId)));
      say("verifying every object against its record");
      const assets = await verifyAll(stack, uploaded);
      const faults = assets.flatMap(({ s3Key, fault }) =>
        fault === undefined ? [] : [`${s3Key}: ${fault}`],
      );
      return {
        ok: faults.length === 0,
        sessionId: reel.sessionId,
        renderer: renderer.name,
        seconds: Math.round((performance.now() - startedAt) / 100) / 10,
        assets,
        scenes,
        outages: healed,
        faults,
      };
    } finally {
      await witness.close();
    }
  } finally {
    // An outage must not outlive the run that caused it, whatever went wrong meanwhile.
    await Promise.allSettled(outages);
    await reelsync.close();
  }
}

function chunkLatencies(
  uploaded: UploadedAsset[],
  seen: (assetId: string) => Promise<number>,
): Promise<DemoScene>[] {
  return uploaded
    .filter(({ assetType, chunkIndex }) => assetType === "video_chunk" && chunkIndex === 0)
    .map(async (asset) => ({
      sceneKey: asset.sceneKey,
      title: SCENES.find(({ sceneKey }) => sceneKey === asset.sceneKey)?.title ?? asset.sceneKey,
      closedToCommittedMs: asset.committedAt - asset.fileClosedAt,
      committedToSeenMs: Math.max(0, (await seen(asset.assetId)) - asset.committedAt),
    }));
}

async function verifyAll(stack: ReelsyncStack, uploaded: UploadedAsset[]): Promise<DemoAsset[]> {
  const convex = new ConvexHttpClient(stack.local.deployment.url, { auth: await stack.tokenFor("vera") });
  const s3 = new S3Client({
    region: "us-east-1",
    endpoint: stack.local.objectStore.endpoint,
    credentials: stack.local.objectStore.credentials,
    forcePathStyle: true,
  });
  try {
    return await Promise.all(
      uploaded.map(async ({ assetId, sceneKey, assetType, attempts }) => ({
        sceneKey,
        assetType,
        attempts,
        ...(await verifyAsset(convex, { s3, bucket: BUCKET, folder: stack.storageDir }, assetId)),
      })),
    );
  } finally {
    s3.destroy();
  }
}

export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  const power = bytes === 0 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power] ?? ""}`;
}
