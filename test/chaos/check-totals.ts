/** [G3] Counters and pointers say what the rows say. */
import type { Doc } from "../../convex/_generated/dataModel";
import { sumOf, type Asset, type Evidence, type Violation } from "./evidence.ts";

type Fault = [check: string, what: string];

export function checkTotals({ found, schedule }: Evidence): Violation[] {
  const ready = found.assets.filter(({ status }) => status === "ready");
  const faults: Fault[] = [];
  if (found.sessions.length > 1) faults.push(["sessions", `${found.sessions.length} sessions were created`]);
  if (found.scenes.length > schedule.scenes) faults.push(["scenes", `${found.scenes.length} scenes`]);
  for (const session of found.sessions) faults.push(...faultsOfSession(session, found.scenes, ready));
  for (const scene of found.scenes) faults.push(...faultsOfScene(scene, ready));
  faults.push(...faultsOfUsage(found.usedBytes, found.assets));
  return faults.map(([check, what]) => ({ guarantee: "G3", check, what }));
}

function faultsOfSession(session: Doc<"sessions">, scenes: Doc<"scenes">[], ready: Asset[]): Fault[] {
  const expected = {
    totalAssetSize: sumOf(ready.map(({ size }) => size)),
    assetCount: ready.length,
    sceneCount: scenes.length,
    readyCount: scenes.filter(({ status }) => status === "ready").length,
    failedCount: scenes.filter(({ status }) => status === "failed").length,
    manifestAssetId: ready.find(({ assetType }) => assetType === "manifest")?._id,
  };
  const faults: Fault[] = [];
  for (const [name, value] of Object.entries(expected)) {
    const shown = session[name as keyof typeof expected];
    if (shown !== value) faults.push(["session-totals", `${name} is ${shown}, the rows say ${value}`]);
  }
  const { thumbnailAssetId } = session;
  if (thumbnailAssetId !== undefined && !ready.some(({ _id }) => _id === thumbnailAssetId)) {
    faults.push(["session-thumbnail", `points to ${thumbnailAssetId}, which is not current`]);
  }
  return faults;
}

function faultsOfScene(scene: Doc<"scenes">, ready: Asset[]): Fault[] {
  const own = ready.filter(({ entityId }) => entityId === scene._id);
  const idsOf = (assetType: string) =>
    own.filter((row) => row.assetType === assetType).map(({ _id, chunkIndex }) => `${chunkIndex}:${_id}`);
  const shown: [string, Doc<"scenes">["chunks"]][] = [
    ["video_chunk", scene.chunks],
    ["subtitle", scene.subtitle === undefined ? [] : [scene.subtitle]],
    ["thumbnail", scene.thumbnail === undefined ? [] : [scene.thumbnail]],
    ["source_code", scene.sourceCode === undefined ? [] : [scene.sourceCode]],
  ];
  const faults: Fault[] = [];
  for (const [assetType, assets] of shown) {
    const pointers = assets
      .map(({ assetId, chunkIndex }) => `${chunkIndex}:${assetId}`)
      .sort()
      .join();
    const rows = idsOf(assetType).sort().join();
    if (pointers !== rows)
      faults.push(["scene-pointers", `${scene.sceneKey} shows ${assetType} ${pointers}, current is ${rows}`]);
  }
  if ((scene.status === "ready") !== scene.chunks.length > 0) {
    faults.push(["scene-status", `${scene.sceneKey} is ${scene.status} with ${scene.chunks.length} chunks`]);
  }
  return faults;
}

const HELD = ["pending", "uploading", "ready", "superseded"];

function faultsOfUsage(usedBytes: number, assets: Asset[]): Fault[] {
  const sizes = new Map(
    assets.filter(({ status }) => HELD.includes(status)).map((row) => [row.s3Key, row.size]),
  );
  const expected = sumOf(sizes.values());
  return usedBytes === expected
    ? []
    : [["usage", `${usedBytes} bytes are counted, the rows hold ${expected}`]];
}
