/**
 * `watch`: uploads each file of a folder when its writer has finished with it (`settling.ts`), to the place `syncDir` would
 * give it. Started again it sends nothing that is recorded already. One file's versions go one after another.
 */
import { resolve } from "node:path";
import type { ErrorCode } from "../../../contract/error-code.ts";
import { SECOND } from "../../../contract/limits.ts";
import type { ReelsyncError } from "../errors.ts";
import type { Progress } from "../progress.ts";
import { readIgnoreRules } from "./ignore-rules.ts";
import { planFolder, type FolderPlan, type KnownSession, type PlannedFile } from "./plan-folder.ts";
import { assertFolder, readByRules, type FolderFile, type SkippedFile } from "./read-folder.ts";
import { createSceneIds, sendPlanned, type Sent } from "./send-planned.ts";
import { knownSession } from "./session-content.ts";
import { createSettling } from "./settling.ts";
import { openSession, type SessionChoice, type SyncParts } from "./sync-dir.ts";
import { watchTree } from "./watch-tree.ts";

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

/** Tells of what could not be watched, while the rest goes on. */
export type Warn = (warning: { about: string; code: ErrorCode; message: string }) => void;

export interface FolderWatch {
  readonly sessionId: string;
  /** Sends what is finished or was never told of, waits for what is under way, and says what is left. */
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

const SETTLE_MS = 2 * SECOND;
/** Files that are finished together are planned, and recorded, together. */
const GATHER_MS = 50;

export async function watchFolder(
  { warn, ...parts }: SyncParts & { warn: Warn },
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
  const unfinished = new Set<string>();
  const summary = { sessionId, sent: 0, failed: 0, switchedOff: 0 };
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
      else if (error.code === "FILE_CHANGED") unfinished.add(relative);
      return;
    }
    summary.failed += 1;
    options.onFile?.({ type: "failed", ...file });
  }

  const tree = await watchTree(root, rules, {
    ...settling,
    gone(relative) {
      settling.gone(relative);
      finished.delete(relative);
      unsent.delete(relative);
    },
    unwatchable: ({ code, message }) => warn({ about: "watching a folder", code, message }),
  });

  /** Takes in what no event told of, such as the files of a folder that could not be watched; answers what cannot be sent. */
  async function catchUp(): Promise<SkippedFile[]> {
    try {
      const { files, skipped } = await readByRules(root, rules, { linkedFolders: false });
      const missed = files.filter((file) => !isSame(file, finished.get(file.relative)));
      await Promise.all(missed.map(({ relative }) => settling.missed(relative)));
      return skipped;
    } catch (error) {
      const message = `${root} cannot be read once more: ${String(error)}`;
      warn({ about: "closing a watch", code: "FOLDER_UNWATCHABLE", message });
      return [];
    }
  }

  async function close(): Promise<WatchSummary> {
    await tree.close();
    clearTimeout(gathering);
    const skipped = await catchUp();
    for (const relative of await settling.close()) unfinished.add(relative);
    for (const file of skipped) {
      if (!unfinished.has(file.relative)) options.onFile?.({ type: "skipped", ...file });
    }
    dispatch(true);
    while (underWay.size > 0) {
      await Promise.all(underWay.values());
      dispatch(true);
    }
    return { ...summary, unfinished: [...unfinished].sort() };
  }

  return {
    sessionId,
    async close() {
      closing ??= close();
      return closing;
    },
  };
}

/** To the millisecond: that is what both have. */
function isSame(file: FolderFile, known: FolderFile | undefined): boolean {
  return known?.size === file.size && Math.trunc(known.mtimeMs) === Math.trunc(file.mtimeMs);
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
