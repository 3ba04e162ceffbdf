/**
 * `syncDir`: a render's output folder with its records. Reads the folder, plans by names (`plan-folder.ts`), makes the
 * session and the scenes that are missing, and gives the files to `batchSyncAssets`. Repeating it sends nothing.
 */
import { basename, resolve } from "node:path";
import type { SessionCreate } from "../../../contract/session.ts";
import type { CallOptions, Core } from "../core.ts";
import { byCaller } from "../callers-error.ts";
import type { Call } from "../call.ts";
import { ReelsyncError } from "../errors.ts";
import type { Progress } from "../progress.ts";
import { NOTHING_KNOWN, planFolder, type FolderPlan, type PlannedFile } from "./plan-folder.ts";
import { readFolder } from "./read-folder.ts";
import { titleOf } from "./scene-place.ts";
import { createSceneIds, sendPlanned, type Sent } from "./send-planned.ts";
import { knownSession, type ReadSession, type SessionContent } from "./session-content.ts";

/** One that is there by its id, or one by its natural key, which is created if there is none. */
export type SessionChoice =
  | { sessionId: string; session?: undefined }
  | {
      sessionId?: undefined;
      /** Key and title are the folder's name unless given. */
      session: Pick<SessionCreate, "project"> & Partial<SessionCreate>;
    };

export type SyncDirOptions = SessionChoice & {
  /** Patterns as in a .gitignore, beside those of the folder's `.reelsyncignore`. */
  ignore?: readonly string[];
  /** Only plans; nothing is created or sent. */
  dryRun?: boolean;
  /** Told of the plan before the first file is sent. */
  onPlan?: (plan: FolderPlan) => void;
  /** Told how far each file is. */
  onProgress?: (relative: string, progress: Progress) => void;
  signal?: AbortSignal;
  /** Longest time for the whole folder; each upload has the client's `timeoutMs` beside it. */
  timeoutMs?: number;
};

export interface SyncDirResult extends FolderPlan, Sent {
  /** Absent where a dry run would have created the session. */
  sessionId?: string;
}

/** What folders need of the client. */
export interface SyncParts {
  core: Pick<Core, "createSession" | "upsertScene" | "batchSyncAssets">;
  readSession: ReadSession;
  during: <T>(options: CallOptions | undefined, work: (call: Call) => Promise<T>) => Promise<T>;
}

export async function syncDir(
  parts: SyncParts,
  dir: string,
  options: SyncDirOptions,
): Promise<SyncDirResult> {
  const root = resolve(dir);
  const { files, skipped } = await readFolder(root, options.ignore);
  const paths = new Map(files.map(({ relative, path }) => [relative, path]));
  const { sessionId, content } = await openSession(parts, root, options);
  const plan = planFolder(files, content === undefined ? NOTHING_KNOWN : knownSession(content));
  plan.skipped.unshift(...skipped);
  await byCaller(() => options.onPlan?.(plan));
  const result: SyncDirResult = {
    ...plan,
    ...(sessionId !== undefined && { sessionId }),
    successful: [],
    failed: [],
    switchedOff: [],
  };
  if (options.dryRun === true || sessionId === undefined) return result;
  const scenes = createSceneIds(parts.core, sessionId, content?.timeline.scenes);
  scenes.plan(plan.newScenes);
  const sourceOf = ({ relative }: PlannedFile) => paths.get(relative) ?? "";
  const outcome = await sendPlanned({ core: parts.core, sessionId, scenes, sourceOf }, plan.files, options);
  return { ...result, ...outcome };
}

export async function openSession(
  { core, readSession, during }: SyncParts,
  root: string,
  { sessionId, session, dryRun = false, signal }: SyncDirOptions,
): Promise<{ sessionId?: string; content?: SessionContent }> {
  const callOptions = signal === undefined ? {} : { signal };
  const read = async (id: string) => ({
    sessionId: id,
    content: await during(callOptions, (call) => readSession(id, call)),
  });
  if (sessionId !== undefined) return read(sessionId);
  if (typeof (session as unknown) !== "object") {
    throw new ReelsyncError(
      "INVALID_ARGUMENT",
      "Neither sessionId nor session says where the folder belongs",
    );
  }
  if (dryRun) return {};
  const named = sessionFor(root, session);
  const made = await core.createSession(named, callOptions);
  return made.created ? { sessionId: made.sessionId } : read(made.sessionId);
}

export function sessionFor(
  root: string,
  session: Pick<SessionCreate, "project"> & Partial<SessionCreate>,
): SessionCreate {
  const name = basename(root);
  return { sessionKey: name, title: titleOf(name), ...session };
}
