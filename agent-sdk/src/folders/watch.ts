/**
 * `watch`: uploads each file of a folder when its writer has finished with it (`settling.ts`), to the place `syncDir` would
 * give it. Started again it sends nothing that is recorded already. One file's versions go one after another.
 */
import { basename, join, relative as relativePath, resolve, sep } from "node:path";
import { SECOND } from "../../../contract/limits.ts";
import type { ReelsyncError } from "../errors.ts";
import type { Progress } from "../progress.ts";
import { readIgnoreRules } from "./ignore-rules.ts";
import { planFolder, type FolderPlan, type KnownSession, type PlannedFile } from "./plan-folder.ts";
import { assertFolder, type FolderFile, type SkippedFile } from "./read-folder.ts";
import { createSceneIds, sendPlanned, type Sent } from "./send-planned.ts";
import { knownSession } from "./session-content.ts";
import { createSettling } from "./settling.ts";
import { openSession, type SessionChoice, type SyncParts } from "./sync-dir.ts";

export type WatchOptions = SessionChoice & {
  /** Patterns as in a .gitignore, beside those of the folder's `.reelsyncignore`. */
  ignore?: readonly string[];
  /** How long a file has to stay the same before it counts as finished (2 s unless set). */
  settleMs?: number;
  /** `false` only collects, and sends when the watch is closed (`S3_UPLOAD_ON_WRITE`, true unless set). */
  onWrite?: boolean;
  /** Told of every file as it is done. */
  onFile?: (file: WatchedFile) => void;
  /** Told how far each file is. */
  onProgress?: (relative: string, progress: Progress) => void;
};

export type WatchedFile =
  | ({ type: "sent" } & Sent["successful"][number])
  | ({ type: "failed" } & PlannedFile & { error: ReelsyncError })
  | ({ type: "switchedOff" } & PlannedFile)
  | ({ type: "skipped" } & SkippedFile);

export interface FolderWatch {
  readonly sessionId: string;
  /** Sends what is finished, waits for what is under way, and says what is left. */
  close: () => Promise<WatchSummary>;
}

export interface WatchSummary {
  sessionId: string;
  /** Uploads with a record, or safe in the journal. */
  sent: number;
  failed: number;
  /** Neither sent nor kept, because the rollout stage was `off`. */
  switchedOff: number;
  /** Still being written when the watch was closed: not sent. */
  unfinished: string[];
}

/** inotify reports a name that appears and each write one by one and in order; elsewhere they may come as one. */
const TELLS_WRITES = process.platform === "linux";

const SETTLE_MS = 2 * SECOND;
/** Files that are finished together are planned, and recorded, together. */
const GATHER_MS = 50;

export async function watchFolder(
  parts: SyncParts,
  dir: string,
  options: WatchOptions,
): Promise<FolderWatch> {
  const root = resolve(dir);
  await assertFolder(root);
  const rules = await readIgnoreRules(root, options.ignore);
  const { onWrite = true } = options;
  const { sessionId, content } = await openSession(parts, root, options);
  if (sessionId === undefined) throw new TypeError("a session was neither found nor made");
  const scenes = createSceneIds(parts.core, sessionId, content?.timeline.scenes);
  let known: KnownSession = content === undefined ? { scenes: [], assets: [] } : knownSession(content);

  const finished = new Map<string, FolderFile>();
  const unsent = new Set<string>();
  const underWay = new Map<string, Promise<void>>();
  const summary: WatchSummary = { sessionId, sent: 0, failed: 0, switchedOff: 0, unfinished: [] };
  let gathering: NodeJS.Timeout | undefined;
  let closing: Promise<WatchSummary> | undefined;

  const settling = createSettling({
    root,
    settleMs: options.settleMs ?? SETTLE_MS,
    onSettled(file) {
      finished.set(file.relative, file);
      unsent.add(file.relative);
      gather();
    },
  });

  function gather(): void {
    if (!onWrite || closing !== undefined) return;
    gathering ??= setTimeout(() => {
      gathering = undefined;
      dispatch(false);
    }, GATHER_MS);
  }

  /** `isLast`: what could still have become a scene's file is the session's. */
  function dispatch(isLast: boolean): void {
    const plan = planFolder([...finished.values()], known);
    const batch = plan.files.filter(
      ({ relative, undecided }) =>
        unsent.has(relative) && !underWay.has(relative) && (isLast || undecided !== true),
    );
    for (const skipped of plan.skipped) {
      if (unsent.delete(skipped.relative)) options.onFile?.({ type: "skipped", ...skipped });
    }
    if (batch.length === 0) return;
    scenes.plan(plan.newScenes);
    known = withPlanned(known, plan, batch);
    const work = send(batch).finally(() => {
      for (const { relative } of batch) underWay.delete(relative);
      if (batch.some(({ relative }) => unsent.has(relative))) gather();
    });
    for (const { relative } of batch) {
      unsent.delete(relative);
      underWay.set(relative, work);
    }
  }

  async function send(batch: readonly PlannedFile[]): Promise<void> {
    const sourceOf = ({ relative }: PlannedFile) => finished.get(relative)?.path ?? "";
    const sending = { core: parts.core, sessionId: summary.sessionId, scenes, sourceOf };
    const { onProgress } = options;
    const { successful, failed, switchedOff } = await sendPlanned(
      sending,
      batch,
      onProgress === undefined ? {} : { onProgress },
    );
    for (const file of successful) {
      summary.sent += 1;
      options.onFile?.({ type: "sent", ...file });
    }
    for (const file of failed) fail(file);
    for (const file of switchedOff) {
      summary.switchedOff += 1;
      options.onFile?.({ type: "switchedOff", ...file });
    }
  }

  function fail(file: PlannedFile & { error: ReelsyncError }): void {
    const { relative, error } = file;
    if (error.code === "FILE_CHANGED" || error.code === "FILE_NOT_FOUND") {
      // Its writer was not finished after all, or it was moved on.
      finished.delete(relative);
      if (closing === undefined) settling.seen(relative);
      else if (error.code === "FILE_CHANGED") summary.unfinished.push(relative);
      return;
    }
    summary.failed += 1;
    options.onFile?.({ type: "failed", ...file });
  }

  const inFolder = (path: string) => relativePath(root, path).split(sep).join("/");
  // Loaded by those who watch alone.
  const { watch } = await import("chokidar");
  const watcher = watch(root, {
    // A link to a folder above would be followed for ever; a link to a file is looked through by its own stat.
    followSymlinks: false,
    ignored(path, stats) {
      const relative = inFolder(path);
      if (relative === "" || stats === undefined) return false;
      return stats.isDirectory() ? rules.ignoresFolder(relative) : rules.ignoresFile(relative);
    },
  });
  const onSeen = (path: string) => settling.seen(inFolder(path));
  watcher.on("add", onSeen).on("change", onSeen);
  if (TELLS_WRITES) {
    watcher.on("raw", (event, name, details) => {
      const path = pathOf(name, details);
      if (path === undefined) return;
      const relative = inFolder(path);
      if (rules.ignoresFile(relative)) return;
      if (event === "rename") settling.appeared(relative);
      else settling.written(relative);
    });
  }
  watcher.on("unlink", (path) => {
    const relative = inFolder(path);
    settling.gone(relative);
    finished.delete(relative);
    unsent.delete(relative);
  });
  await new Promise<void>((ready, reject) => {
    watcher.once("ready", ready);
    watcher.once("error", reject);
  });
  watcher.on("error", (error) => process.emitWarning(error instanceof Error ? error : String(error)));

  async function close(): Promise<WatchSummary> {
    await watcher.close();
    clearTimeout(gathering);
    summary.unfinished.push(...(await settling.close()));
    dispatch(true);
    while (underWay.size > 0) {
      await Promise.all(underWay.values());
      dispatch(true);
    }
    summary.unfinished.sort();
    return summary;
  }

  return {
    sessionId,
    async close() {
      closing ??= close();
      return closing;
    },
  };
}

/** Of a watched folder it is a name in it, of a watched file its own. */
function pathOf(name: unknown, details: unknown): string | undefined {
  const { watchedPath } = details as { watchedPath?: string };
  if (typeof name !== "string" || watchedPath === undefined) return undefined;
  return basename(watchedPath) === name ? watchedPath : join(watchedPath, name);
}

/** What the session holds once the batch has arrived. */
function withPlanned(
  known: KnownSession,
  { newScenes }: FolderPlan,
  batch: readonly PlannedFile[],
): KnownSession {
  const place = ({ scene, assetType, chunkIndex }: Pick<PlannedFile, "scene" | "assetType" | "chunkIndex">) =>
    JSON.stringify([scene, assetType, chunkIndex]);
  const taken = new Set(batch.map(place));
  return {
    scenes: [...known.scenes, ...newScenes],
    assets: [...known.assets.filter((asset) => !taken.has(place(asset))), ...batch],
  };
}
