/** Carries out a plan: the scenes it needs first, then the files, each to its slot. */
import { basename } from "node:path";
import pMap from "p-map";
import type { Timeline } from "../../../contract/playback.ts";
import type { Core } from "../core.ts";
import { codedError, ReelsyncError } from "../errors.ts";
import type { Progress } from "../progress.ts";
import type { SkippedUpload, UploadRequest, UploadResult } from "../upload-request.ts";
import type { PlannedFile, PlannedScene } from "./plan-folder.ts";
import { PATH_FACT } from "./session-content.ts";

export interface SceneIds {
  /** Made when the first file asks for them. */
  plan: (scenes: readonly PlannedScene[]) => void;
  idOf: (sceneKey: string) => Promise<string>;
}

/** Every scene is made once, however many ask; one that could not be made is tried again by the next. */
export function createSceneIds(
  core: Pick<Core, "upsertScene">,
  sessionId: string,
  known: Timeline["scenes"] = [],
): SceneIds {
  const planned = new Map<string, PlannedScene>();
  const ids = new Map(known.map(({ sceneKey, sceneId }) => [sceneKey, Promise.resolve(sceneId)]));
  return {
    plan(scenes) {
      for (const scene of scenes) planned.set(scene.sceneKey, scene);
    },
    async idOf(sceneKey) {
      const found = ids.get(sceneKey);
      if (found !== undefined) return found;
      const scene = planned.get(sceneKey);
      if (scene === undefined)
        throw new ReelsyncError("SCENE_NOT_FOUND", `No scene is planned as ${sceneKey}`);
      const made = core.upsertScene({ sessionId, ...scene }).then(({ sceneId }) => sceneId);
      ids.set(sceneKey, made);
      made.catch(() => ids.delete(sceneKey));
      return made;
    },
  };
}

export interface Sending {
  core: Pick<Core, "batchSyncAssets">;
  sessionId: string;
  scenes: SceneIds;
  sourceOf: (file: PlannedFile) => UploadRequest["file"];
  /** Recorded beside the file's path. */
  factsOf?: (file: PlannedFile) => NonNullable<UploadRequest["metadata"]>;
}

export interface SendOptions {
  signal?: AbortSignal;
  timeoutMs?: number;
  onProgress?: (relative: string, progress: Progress) => void;
}

export interface Sent {
  /** Recorded, or safe in the journal. */
  successful: (PlannedFile & Exclude<UploadResult, SkippedUpload>)[];
  failed: (PlannedFile & { error: ReelsyncError })[];
  /** Neither sent nor kept, because the rollout stage is `off`; of a strict client too. */
  switchedOff: PlannedFile[];
}

const SCENES_AT_ONCE = 8;

/** A scene that cannot be made fails its files and no others. */
export async function sendPlanned(
  { core, sessionId, scenes, sourceOf, factsOf }: Sending,
  files: readonly PlannedFile[],
  { signal, timeoutMs, onProgress }: SendOptions,
): Promise<Sent> {
  const entities = await entitiesOf(files, sessionId, scenes);
  const outcome: Sent = { successful: [], failed: [], switchedOff: [] };
  const sent: PlannedFile[] = [];
  const requests: UploadRequest[] = [];
  for (const file of files) {
    const entity = entities.get(file.scene);
    if (entity === undefined || entity instanceof Error) {
      outcome.failed.push({ ...file, error: codedError(entity) });
      continue;
    }
    sent.push(file);
    requests.push({
      file: sourceOf(file),
      entity,
      assetType: file.assetType,
      chunkIndex: file.chunkIndex,
      fileName: basename(file.relative),
      metadata: { ...factsOf?.(file), [PATH_FACT]: file.relative },
      ...(file.contentType !== undefined && { contentType: file.contentType }),
      ...(onProgress !== undefined && {
        onProgress: (progress: Progress) => onProgress(file.relative, progress),
      }),
    });
  }
  const { successful, failed } = await core.batchSyncAssets(requests, {
    ...(signal !== undefined && { signal }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
  for (const { index, ...done } of successful) {
    if (done.state === "skipped") outcome.switchedOff.push(at(sent, index));
    else outcome.successful.push({ ...at(sent, index), ...done });
  }
  for (const { index, error } of failed) {
    if (error.code === "ROLLOUT_OFF") outcome.switchedOff.push(at(sent, index));
    else outcome.failed.push({ ...at(sent, index), error });
  }
  return outcome;
}

async function entitiesOf(files: readonly PlannedFile[], sessionId: string, scenes: SceneIds) {
  const entities = new Map<string | undefined, UploadRequest["entity"] | Error>();
  await pMap(
    new Set(files.map(({ scene }) => scene)),
    async (scene) => {
      const entity =
        scene === undefined
          ? ({ type: "session", id: sessionId } as const)
          : await scenes.idOf(scene).then((id) => ({ type: "scene", id }) as const, codedError);
      entities.set(scene, entity);
    },
    { concurrency: SCENES_AT_ONCE },
  );
  return entities;
}

function at(files: readonly PlannedFile[], index: number): PlannedFile {
  const file = files[index];
  if (file === undefined) throw new RangeError(`no file was sent as number ${index}`);
  return file;
}
