/**
 * An agent: a process of its own with the real SDK, so that `kill -9` is real. Is told over its channel what to upload,
 * writes into the diary what it was told, and knows nothing of faults or checks.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { createReadStream } from "node:fs";
import { createReelsync, type Reelsync, type ReelsyncOptions } from "../../agent-sdk/src/index.ts";
import { bytesOf } from "./content.ts";
import { writeEntry } from "./diary.ts";
import { spoilDisk } from "./disk.ts";
import { slotOf, type DiskTrouble, type Wish } from "./schedule.ts";

export interface AgentTask {
  seed: number;
  options: ReelsyncOptions;
  diary: string;
  scenes: number;
  wishes: Wish[];
  /** By wish: where the file of those that upload files is. */
  files: Record<number, string>;
  racing: boolean;
  clockSkewMs: number;
  /** What goes wrong with writing under this folder. */
  disk: { folder: string; trouble: DiskTrouble } | null;
  drains: boolean;
  replayLetters: boolean;
  quiet: boolean;
}

export type FromAgent = "ready" | "done";

const PROJECT = "chaos";
/** How often a session is asked for before the agent gives up, as a program's own outermost loop would. */
const PLACE_ATTEMPTS = 3;
const LOUD_TIMEOUT_MS = 1_500;
const QUIET_TIMEOUT_MS = 20_000;
const QUIET_PASSES = 10;

/** Where the call failed: its error does not say, but its events are emitted in its own context. */
const failing = new AsyncLocalStorage<{ step?: string }>();

const realNow = Date.now.bind(Date);

async function perform(task: AgentTask): Promise<void> {
  Date.now = () => realNow() + task.clockSkewMs;
  const mendDisk =
    task.disk === null
      ? () => undefined
      : spoilDisk(task.disk.folder, task.disk.trouble, (what) =>
          writeEntry(task.diary, { kind: "disk", what }),
        );
  const reelsync = createReelsync({
    ...task.options,
    timeoutMs: task.quiet ? QUIET_TIMEOUT_MS : LOUD_TIMEOUT_MS,
  });
  reelsync.on((event) => {
    const call = failing.getStore();
    if (event.type === "upload.failed" && call !== undefined) call.step = event.step;
  });
  try {
    if (task.wishes.length > 0) await uploadAll(reelsync, task, await findPlace(reelsync, task));
    if (task.drains) await drain(reelsync, task);
    if (task.replayLetters) await replayAll(reelsync, task);
  } catch (error) {
    writeEntry(task.diary, { kind: "stopped", message: String(error) });
  } finally {
    await reelsync.close();
    mendDisk();
    Date.now = realNow;
  }
}

/** In quiet until nothing waits: what comes back on top of it waits for a moment of its own. */
async function drain(reelsync: Reelsync, { diary, quiet }: AgentTask): Promise<void> {
  for (let passes = quiet ? QUIET_PASSES : 1; passes > 0; passes--) {
    const { waiting, failed } = await reelsync.drain();
    writeEntry(diary, { kind: "drained", waiting, failed, quiet });
    if (waiting === 0) return;
  }
}

interface Place {
  sessionId: string;
  sceneIds: string[];
}

async function findPlace(reelsync: Reelsync, { seed, scenes, diary }: AgentTask): Promise<Place> {
  for (let attempt = 1; ; attempt++) {
    try {
      const title = `Schedule ${seed}`;
      const { sessionId } = await reelsync.createSession({ title, project: PROJECT, sessionKey: "run" });
      const sceneIds: string[] = [];
      for (let index = 0; index < scenes; index++) {
        const scene = { sessionId, sceneKey: `scene-${index}`, index, title: `Scene ${index}` };
        sceneIds.push((await reelsync.upsertScene(scene)).sceneId);
      }
      writeEntry(diary, { kind: "placed", sessionId, sceneIds });
      return { sessionId, sceneIds };
    } catch (error) {
      if (attempt === PLACE_ATTEMPTS) throw error;
    }
  }
}

async function uploadAll(reelsync: Reelsync, task: AgentTask, place: Place): Promise<void> {
  const lanes = new Map<string, Wish[]>();
  for (const wish of task.wishes) {
    const lane = task.racing ? String(wish.id) : slotOf(wish);
    lanes.set(lane, [...(lanes.get(lane) ?? []), wish]);
  }
  await Promise.all(
    [...lanes.values()].map(async (lane) => {
      for (const wish of lane) await upload(reelsync, task, place, wish);
    }),
  );
}

async function upload(reelsync: Reelsync, task: AgentTask, place: Place, wish: Wish): Promise<void> {
  const { diary, seed, quiet } = task;
  const { scene, assetType, chunkIndex, fileName } = wish;
  writeEntry(diary, { kind: "called", wish: wish.id, quiet });
  const id = scene === null ? place.sessionId : (place.sceneIds[scene] ?? "");
  await settled(task, wish.id, "upload", () =>
    reelsync.uploadWithConvexSync({
      file: sourceOf(wish, seed, task.files),
      entity: { type: scene === null ? "session" : "scene", id },
      assetType,
      chunkIndex,
      fileName,
      metadata: { wish: wish.id },
      timeoutMs: quiet ? QUIET_TIMEOUT_MS : wish.timeoutMs,
    }),
  );
}

function sourceOf(wish: Wish, seed: number, files: AgentTask["files"]) {
  const path = files[wish.id];
  if (path === undefined) return bytesOf({ seed, content: wish.content, size: wish.size });
  return wish.source === "stream" ? createReadStream(path) : path;
}

async function replayAll(reelsync: Reelsync, task: AgentTask): Promise<void> {
  for (const { id, state, intent } of await reelsync.deadLetters.list()) {
    if (state === "resolved" || state === "discarded") continue;
    const wish = Number(intent.metadata?.["wish"]);
    writeEntry(task.diary, { kind: "replaying", uploadId: id, wish, quiet: task.quiet });
    await settled(task, wish, "replay", () => reelsync.deadLetters.replay(id), id);
  }
}

interface SdkError {
  code?: string;
  message?: string;
  retryable?: boolean;
  deadLetter?: { id: string; delivered: boolean };
}

async function settled(
  { diary }: AgentTask,
  wish: number,
  via: "upload" | "replay",
  work: () => ReturnType<Reelsync["uploadWithConvexSync"]>,
  uploadId?: string,
): Promise<void> {
  const call: { step?: string } = {};
  try {
    const result = await failing.run(call, work);
    if (result.state === "skipped") throw new Error("uploads are turned off");
    const { sha256, size } = result;
    if (result.state === "queued") {
      writeEntry(diary, { kind: "queued", wish, via: "upload", uploadId: result.uploadId, sha256, size });
      return;
    }
    const { assetId, s3Key, version, state, deduped } = result;
    writeEntry(diary, { kind: "acked", wish, via, assetId, s3Key, version, sha256, size, state, deduped });
  } catch (error) {
    const { code = "none", message = "", retryable = false, deadLetter } = error as SdkError;
    if (via === "replay" && code === "CONFLICT" && uploadId !== undefined) {
      writeEntry(diary, { kind: "heldElsewhere", uploadId });
    }
    writeEntry(diary, {
      kind: "rejected",
      wish,
      via,
      code,
      message,
      retryable,
      ...call,
      ...(deadLetter !== undefined && { letter: deadLetter }),
    });
  }
}

const say = (message: FromAgent) => process.connected && process.send?.(message);

process.on("message", (task: AgentTask) => {
  void perform(task).then(
    () => say("done"),
    (error: unknown) => {
      writeEntry(task.diary, { kind: "stopped", message: String(error) });
      say("done");
    },
  );
});
process.once("disconnect", () => process.exit());
say("ready");
