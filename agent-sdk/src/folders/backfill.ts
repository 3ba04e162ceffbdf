/**
 * `backfill`: records for objects that are in the bucket already, under the keys of an older layout. Each is read once as a
 * stream, hashed on the way, stored under its canonical key and recorded; the old object stays. What was taken in before is
 * known by its record and not read again, so a run that was stopped is gone on with by the next.
 */
import { basename } from "node:path";
import pMap from "p-map";
import {
  parseLayout,
  type LaidOut,
  type LayoutName,
  type StageFolders,
} from "../../../contract/key-layouts.ts";
import type { Core } from "../core.ts";
import { codedError, type ReelsyncError } from "../errors.ts";
import { callGuarded } from "../events.ts";
import type { Progress } from "../progress.ts";
import { NO_LIMIT_MS, openDeadline } from "../resilience/deadline.ts";
import { stemOf } from "./file-kind.ts";
import { NOTHING_KNOWN, planFolder, type PlannedFile } from "./plan-folder.ts";
import type { SkippedFile } from "./read-folder.ts";
import { titleOf } from "./scene-place.ts";
import { createSceneIds, sendPlanned, type SceneIds, type Sent } from "./send-planned.ts";
import { knownSession, type SessionContent } from "./session-content.ts";
import type { SyncParts } from "./sync-dir.ts";

export interface BackfillOptions {
  layout: LayoutName;
  /** Project of the sessions. */
  project: string;
  /** Without it nothing is created, read or stored. */
  apply?: boolean;
  /** Told of every object as it is planned, and again when it is done. */
  onFile?: (file: BackfilledFile) => void;
  /** Told how far each object is, by its key. */
  onProgress?: (key: string, progress: Progress) => void;
  signal?: AbortSignal;
  /** Longest time for all of them; no limit unless set. */
  timeoutMs?: number;
}

export type BackfilledFile =
  | ({ type: "planned" | "known" | "switchedOff" } & PlannedFile & OldObject)
  | ({ type: "sent" } & OldObject & Sent["successful"][number])
  | ({ type: "failed" } & PlannedFile & OldObject & { error: ReelsyncError })
  | ({ type: "skipped" } & SkippedFile);

interface OldObject {
  sessionKey: string;
  key: string;
}

export interface BackfillResult {
  planned: (PlannedFile & OldObject)[];
  /** Recorded by an earlier run. */
  known: (PlannedFile & OldObject)[];
  successful: (OldObject & Sent["successful"][number])[];
  failed: (OldObject & Sent["failed"][number])[];
  /** Left as they are, because the rollout stage is `off`. */
  switchedOff: (PlannedFile & OldObject)[];
  /** By key. */
  skipped: SkippedFile[];
}

/** Each is spooled to the disk while it is hashed. */
const OBJECTS_AT_ONCE = 4;

/** The metadata that says which object a record was made from. */
const SOURCE_FACT = "source";

type BackfillParts = SyncParts & { core: Core; stages: StageFolders };

export async function backfill(
  parts: BackfillParts,
  prefix: string,
  options: BackfillOptions,
): Promise<BackfillResult> {
  const deadline = openDeadline({ timeoutMs: options.timeoutMs ?? NO_LIMIT_MS, signal: options.signal });
  try {
    return await run(parts, prefix, { ...options, signal: deadline.signal });
  } finally {
    deadline.dispose();
  }
}

type Run = BackfillOptions & { signal: AbortSignal };

async function run(parts: BackfillParts, prefix: string, options: Run): Promise<BackfillResult> {
  const result: BackfillResult = {
    planned: [],
    known: [],
    successful: [],
    failed: [],
    switchedOff: [],
    skipped: [],
  };
  const skip = (skipped: SkippedFile) => {
    result.skipped.push(skipped);
    tell(options, { type: "skipped", ...skipped });
  };
  const sessions = await readLayout(parts, prefix, options, skip);
  for (const [sessionKey, objects] of sessions) {
    const named = [...objects].map(([relative, { size }]) => ({ relative, size }));
    const session = options.apply === true ? await openSession(parts, sessionKey, options) : undefined;
    const content = session?.content;
    const plan = planFolder(named, content === undefined ? NOTHING_KNOWN : knownSession(content));
    const withKey = (file: PlannedFile) => ({
      ...file,
      sessionKey,
      key: objects.get(file.relative)?.key ?? "",
    });
    for (const { relative, reason } of plan.skipped) {
      skip({ relative: objects.get(relative)?.key ?? relative, reason });
    }
    const files = plan.files.map(withKey);
    result.planned.push(...files);
    for (const file of files) tell(options, { type: "planned", ...file });
    if (session === undefined) continue;
    session.scenes.plan(plan.newScenes);
    const recorded = new Set(content?.assets.map(({ metadata }) => metadata?.[SOURCE_FACT]));
    const known = files.filter(({ key }) => recorded.has(key));
    result.known.push(...known);
    for (const file of known) tell(options, { type: "known", ...file });
    const left = files.filter(({ key }) => !recorded.has(key));
    await pMap(left, (file) => takeIn(parts.core, session, file, options, result), {
      concurrency: OBJECTS_AT_ONCE,
    });
  }
  return result;
}

async function takeIn(
  core: Core,
  session: OpenedSession,
  file: PlannedFile & OldObject,
  options: Run,
  { successful, failed, switchedOff }: BackfillResult,
): Promise<void> {
  const { sessionKey, key } = file;
  const sent = await send(core, session, file, options).catch((error: unknown): Sent => {
    return { successful: [], failed: [{ ...file, error: codedError(error) }], switchedOff: [] };
  });
  for (const one of sent.successful) {
    successful.push({ ...one, sessionKey, key });
    tell(options, { type: "sent", ...one, sessionKey, key });
  }
  for (const one of sent.failed) {
    failed.push({ ...one, sessionKey, key });
    tell(options, { type: "failed", ...one, sessionKey, key });
  }
  for (const one of sent.switchedOff) {
    switchedOff.push({ ...one, sessionKey, key });
    tell(options, { type: "switchedOff", ...one, sessionKey, key });
  }
}

async function send(
  core: Core,
  { sessionId, scenes }: OpenedSession,
  { sessionKey: _sessionKey, key, ...file }: PlannedFile & OldObject,
  { signal, onProgress }: Run,
): Promise<Sent> {
  signal.throwIfAborted();
  const { body } = await core.storage.load(key, { signal });
  const factsOf = () => ({ [SOURCE_FACT]: key });
  try {
    return await sendPlanned({ core, sessionId, scenes, sourceOf: () => body, factsOf }, [file], {
      signal,
      onProgress: (_relative, progress) => onProgress?.(key, progress),
    });
  } finally {
    body.destroy();
  }
}

function tell({ onFile }: BackfillOptions, file: BackfilledFile): void {
  if (onFile !== undefined) callGuarded(onFile, file);
}

interface OpenedSession {
  sessionId: string;
  scenes: SceneIds;
  content: SessionContent | undefined;
}

async function openSession(
  { core, readSession, during }: SyncParts,
  sessionKey: string,
  { project, signal }: Run,
): Promise<OpenedSession> {
  const callOptions = { signal };
  const { sessionId, created } = await core.createSession(
    { project, sessionKey, title: titleOf(sessionKey) },
    callOptions,
  );
  const content = created ? undefined : await during(callOptions, (call) => readSession(sessionId, call));
  return { sessionId, content, scenes: createSceneIds(core, sessionId, content?.timeline.scenes) };
}

type Objects = Map<string, { key: string; size: number }>;

/** The objects of each session, by the path they would have in its folder. */
async function readLayout(
  { core, stages }: BackfillParts,
  prefix: string,
  { layout, signal }: Run,
  skip: (skipped: SkippedFile) => void,
): Promise<Map<string, Objects>> {
  const folder = prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
  const sessions = new Map<string, Objects>();
  for await (const { key, size } of core.storage.listFiles(folder, { signal })) {
    const laidOut = parseLayout(layout, key.slice(folder.length), stages);
    const place = laidOut === null ? undefined : placeIn(laidOut);
    if (place === undefined)
      skip({ relative: key, reason: laidOut === null ? "another layout" : "temporary" });
    else if (size === 0) skip({ relative: key, reason: "empty" });
    else {
      const objects = sessions.get(place.sessionKey) ?? new Map<string, { key: string; size: number }>();
      sessions.set(place.sessionKey, objects.set(place.relative, { key, size }));
    }
  }
  return sessions;
}

/** Undefined for what was only meant to stay for a while. */
function placeIn(laidOut: LaidOut): { sessionKey: string; relative: string } | undefined {
  switch (laidOut.layout) {
    case "topic":
      return { sessionKey: laidOut.topic, relative: laidOut.path };
    case "recordings":
      return { sessionKey: `user_${String(laidOut.user).padStart(6, "0")}`, relative: laidOut.path };
    case "creatives": {
      const { tenant, creative, iteration, timestamp } = laidOut;
      return {
        sessionKey: `${tenant}-${creative}`,
        relative: `${iteration}-iteration/${timestamp}-take.mp4`,
      };
    }
    case "stages": {
      const { stage, path } = laidOut;
      if (stage === "temp") return undefined;
      const [first = path, ...rest] = path.split("/");
      const sessionKey = rest.length === 0 ? stemOf(first) : first;
      const name =
        stage === "transcripts" ? `transcript-${basename(path)}` : ([first, ...rest].at(-1) ?? path);
      const inner = [...(stage === "processed" ? [stage] : []), ...rest.slice(0, -1), name].join("/");
      return { sessionKey, relative: `${sessionKey}/${inner}` };
    }
  }
}
