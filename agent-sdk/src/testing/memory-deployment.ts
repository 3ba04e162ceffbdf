/**
 * A deployment in memory: the functions the SDK calls, with the rules of `convex/model/` that an agent can notice.
 * Natural keys find what is there, a repeated call finds its own row, content equal to what a slot holds is
 * deduplicated, and an older version never replaces a newer one. Versions are in the order they were begun, whatever
 * a call says of when it was made. No tenants, quotas or pages, and no timeline.
 */
import { getFunctionName } from "convex/server";
import type { Asset, DatedIntent, StoredObject } from "../../../contract/asset.ts";
import type { DeadLetter, DeadLetterState } from "../../../contract/dead-letter.ts";
import { formatObjectKey } from "../../../contract/object-key.ts";
import type { SceneUpsert } from "../../../contract/scene.ts";
import type { SessionCreate } from "../../../contract/session.ts";
import type { CallConvex } from "../convex/convex-caller.ts";
import { isReelsyncError, ReelsyncError } from "../errors.ts";
import type { Exchange } from "./injected-faults.ts";

export interface FakeSession extends SessionCreate {
  sessionId: string;
  status: "live" | "ended" | "failed";
  errorMessage?: string;
}

export interface FakeScene extends SceneUpsert {
  sceneId: string;
}

/** One version of an asset, as the deployment would answer it. */
export interface FakeAsset extends Asset {
  /** The upload that opened it. */
  uploadId: string;
  errorCode?: string;
}

interface Letter extends DeadLetter {
  deadLetterId: string;
  state: DeadLetterState;
  createdAt: number;
  updatedAt: number;
  /** Whose replay it is; a claim of the fake has no end. */
  claimId?: string;
}

export interface MemoryDeploymentOptions {
  bucket: string;
  exchange: Exchange;
  /** Told of every answer. */
  onAnswer: () => void;
  urlOf: (s3Key: string) => Promise<string>;
  presignSeconds: number;
}

export function createMemoryDeployment(options: MemoryDeploymentOptions) {
  const { bucket, exchange, onAnswer, urlOf, presignSeconds } = options;
  const sessions: FakeSession[] = [];
  const scenes: FakeScene[] = [];
  const assets: FakeAsset[] = [];
  const letters: Letter[] = [];
  /** Which asset a call was answered with. */
  const calls = new Map<string, { asset: FakeAsset; deduped: boolean }>();

  const slotOf = ({
    entityId,
    assetType,
    chunkIndex,
  }: Pick<Asset, "entityId" | "assetType" | "chunkIndex">) =>
    assets.filter((one) => {
      return one.entityId === entityId && one.assetType === assetType && one.chunkIndex === chunkIndex;
    });
  const isOpen = ({ status }: Asset) => status === "pending" || status === "uploading";
  const isStored = ({ status }: Asset) => status === "ready" || status === "superseded";

  function session(sessionId: string): FakeSession {
    return (
      sessions.find((one) => one.sessionId === sessionId) ??
      refuse("SESSION_NOT_FOUND", `No session with id "${sessionId}" is visible to you`)
    );
  }

  function scene(sceneId: string): FakeScene {
    return (
      scenes.find((one) => one.sceneId === sceneId) ??
      refuse("SCENE_NOT_FOUND", `No scene with id "${sceneId}" is visible to you`)
    );
  }

  function asset(assetId: string): FakeAsset {
    return (
      assets.find((one) => one.assetId === assetId) ??
      refuse("ASSET_NOT_FOUND", `No asset with id "${assetId}" is visible to you`)
    );
  }

  function begin({ made: _made, ...intent }: DatedIntent) {
    const parent = intent.entityType === "scene" ? scene(intent.entityId) : undefined;
    const { sessionId, project } = session(parent?.sessionId ?? intent.entityId);
    const known = calls.get(intent.uploadId);
    if (known !== undefined) {
      const { checksum } = known.asset;
      if (checksum !== "" && intent.sha256 !== undefined && checksum !== intent.sha256) {
        refuse("INVALID_ARGUMENT", `uploadId: ${intent.uploadId} was used for another upload`);
      }
      if (checksum === "") known.asset.checksum = intent.sha256 ?? "";
      if (!isStored(known.asset)) known.asset.status = "pending";
      return answered(known.asset, known.deduped);
    }
    const versions = slotOf(intent);
    const newest = versions.at(-1);
    const wish =
      intent.historyOnly === true
        ? newest !== undefined && isStored(newest)
          ? newest
          : undefined
        : versions.findLast((one) => one.historyOnly !== true && (one.status === "ready" || isOpen(one)));
    if (intent.sha256 === undefined && wish?.size === intent.size) return { status: "hash_first" as const };
    if (wish !== undefined && wish.checksum === intent.sha256) {
      const deduped = isStored(wish);
      calls.set(intent.uploadId, { asset: wish, deduped });
      return answered(wish, deduped);
    }
    const s3Key = formatObjectKey({
      base: "",
      tenant: "fake",
      lifetime: "perm",
      project,
      session: sessionId,
      ...(parent !== undefined && { scene: parent.sceneId }),
      assetType: intent.assetType,
      ...(intent.sha256 === undefined ? { uploadId: intent.uploadId } : { sha256: intent.sha256 }),
      fileName: intent.fileName,
    });
    const { sha256: checksum = "", ...said } = intent;
    const opened: FakeAsset = {
      ...said,
      checksum,
      assetId: `asset-${assets.length + 1}`,
      version: (newest?.version ?? 0) + 1,
      status: "pending",
      s3Key,
      s3Url: `s3://${bucket}/${s3Key}`,
      storageBackend: "s3",
      createdAt: Date.now(),
    };
    assets.push(opened);
    calls.set(intent.uploadId, { asset: opened, deduped: false });
    return answered(opened, false);
  }

  function answered({ assetId, status, version, s3Key }: FakeAsset, deduped: boolean) {
    const state = status === "ready" || status === "superseded" ? status : ("pending" as const);
    return { assetId, status: state, deduped, version, bucket, s3Key };
  }

  function commit({
    assetId,
    object,
    sha256,
  }: {
    assetId: string;
    object: StoredObject;
    sha256?: string | undefined;
  }) {
    const row = asset(assetId);
    const { version } = row;
    if (row.status === "ready" || row.status === "superseded")
      return { assetId, status: row.status, version };
    if (!isOpen(row)) refuse("CONFLICT", `This upload was given up (${row.errorMessage ?? "no reason"})`);
    const checksum = row.checksum === "" ? sha256 : row.checksum;
    if (checksum === undefined) {
      return refuse("INVALID_ARGUMENT", "sha256: the upload was begun without it, so its commit names it");
    }
    const isOther = sha256 !== undefined && sha256 !== checksum;
    if (object.size !== row.size || object.bucket !== bucket || isOther) {
      const message = `S3 stored ${object.size} other bytes in "${object.bucket}" than were announced`;
      Object.assign(row, { status: "error", errorCode: "COMMIT_REFUSED", errorMessage: message });
      return { assetId, status: "refused" as const, version, code: "COMMIT_REFUSED" as const, message };
    }
    const current = slotOf(row).find(({ status }) => status === "ready");
    const overtaken = row.historyOnly === true || (current !== undefined && current.version > version);
    const status = overtaken ? ("superseded" as const) : ("ready" as const);
    if (!overtaken && current !== undefined) current.status = "superseded";
    Object.assign(row, { status, checksum, etag: object.etag, uploadedAt: Date.now() });
    for (const letter of letters) {
      if (calls.get(letter.intent.uploadId)?.asset === row) letter.state = "resolved";
    }
    return { assetId, status, version };
  }

  /** Each item by itself, as in one transaction with an outcome for each. */
  function each<Item, Answer extends object>(one: (item: Item) => Answer) {
    return ({ items }: { items: Item[] }) =>
      items.map((item) => {
        try {
          return { ok: true, ...one(item) };
        } catch (error) {
          if (!isReelsyncError(error)) throw error;
          return { ok: false, code: error.code, message: error.message };
        }
      });
  }

  const rowOf = (uploadId: string) => calls.get(uploadId)?.asset ?? null;

  function letterBy(deadLetterId: string): Letter {
    return letters.find((one) => one.deadLetterId === deadLetterId) ?? refuse("NOT_FOUND", "No such letter");
  }

  const CHANGES: Record<string, (args: never) => unknown> = {
    "sessions:create"(create: SessionCreate) {
      const same = sessions.find(
        ({ project, sessionKey }) => project === create.project && sessionKey === create.sessionKey,
      );
      if (same !== undefined) return { sessionId: same.sessionId, created: false };
      const sessionId = `session-${sessions.length + 1}`;
      sessions.push({ ...create, sessionId, status: "live" });
      return { sessionId, created: true };
    },
    "sessions:end"(end: { sessionId: string; outcome: "ended" | "failed"; errorMessage?: string }) {
      const { sessionId, outcome, errorMessage } = end;
      const ended = session(sessionId);
      if (ended.status === "live") {
        Object.assign(ended, { status: outcome, ...(errorMessage !== undefined && { errorMessage }) });
      }
      return null;
    },
    "scenes:upsert"(upsert: SceneUpsert) {
      const of = session(upsert.sessionId);
      const same = scenes.find(
        ({ sessionId, sceneKey }) => sessionId === upsert.sessionId && sceneKey === upsert.sceneKey,
      );
      if (same !== undefined) {
        Object.assign(same, upsert);
        return { sceneId: same.sceneId, created: false };
      }
      if (of.status !== "live") refuse("SESSION_ENDED", `The session "${of.title}" is ${of.status}`);
      const sceneId = `scene-${scenes.length + 1}`;
      scenes.push({ ...upsert, sceneId });
      return { sceneId, created: true };
    },
    "assets:begin": begin,
    "assets:beginBatch": each(begin),
    "assets:commit": commit,
    "assets:commitBatch": each(commit),
    "assets:uploading"({ assetId }: { assetId: string }) {
      const row = asset(assetId);
      if (row.status === "pending") row.status = "uploading";
      return null;
    },
    "assets:fail"({ assetId, code, message }: { assetId: string; code: string; message: string }) {
      const row = asset(assetId);
      if (isOpen(row)) Object.assign(row, { status: "error", errorCode: code, errorMessage: message });
      return null;
    },
    "deadLetters:record"(letter: DeadLetter) {
      const committed = rowOf(letter.intent.uploadId);
      const state = committed !== null && isStored(committed) ? "resolved" : "parked";
      const same = letters.find((one) => one.intent.uploadId === letter.intent.uploadId);
      if (same !== undefined) {
        Object.assign(same, letter, { state });
        return { deadLetterId: same.deadLetterId };
      }
      const deadLetterId = `letter-${letters.length + 1}`;
      const now = Date.now();
      letters.unshift({ ...letter, deadLetterId, state, createdAt: now, updatedAt: now });
      return { deadLetterId };
    },
    "deadLetters:claim"({ deadLetterId, claimId }: { deadLetterId: string; claimId: string }) {
      const letter = letterBy(deadLetterId);
      if (letter.state === "replaying") return { claimed: letter.claimId === claimId };
      if (letter.state !== "parked" && letter.state !== "replay_requested") return { claimed: false };
      letter.state = "replaying";
      letter.claimId = claimId;
      return { claimed: true };
    },
    "deadLetters:settle"(settled: { deadLetterId: string; outcome: DeadLetterState }) {
      const letter = letterBy(settled.deadLetterId);
      if (letter.state !== "resolved") letter.state = settled.outcome;
      return null;
    },
  };

  const READS: Record<string, (args: never) => unknown> = {
    "agents:report": () => null,
    "assets:byUpload": ({ uploadId }: { uploadId: string }) => rowOf(uploadId),
    "assets:byUploads": ({ uploadIds }: { uploadIds: string[] }) => uploadIds.map(rowOf),
    "assets:get": ({ assetId }: { assetId: string }) => asset(assetId),
    "assets:byKey": ({ s3Key }: { s3Key: string }) => assets.findLast((one) => one.s3Key === s3Key) ?? null,
    "assets:ofSession"({ sessionId }: { sessionId: string }) {
      const ids = new Set([
        sessionId,
        ...scenes.flatMap((one) => (one.sessionId === sessionId ? [one.sceneId] : [])),
      ]);
      const page = assets.filter(({ entityId, status }) => ids.has(entityId) && status === "ready");
      return { page, isDone: true, continueCursor: "" };
    },
    "playback:urls": async ({ assetIds }: { assetIds: string[] }) =>
      Promise.all(
        assets
          .filter((one) => assetIds.includes(one.assetId) && isStored(one))
          .map(async ({ assetId, s3Key }) => {
            const expiresAt = Date.now() + presignSeconds * 1000;
            return { assetId, url: await urlOf(s3Key), expiresAt, renewAt: expiresAt };
          }),
      ),
    "deadLetters:get": ({ id }: { id: string }) =>
      letters.find((one) => one.deadLetterId === id || one.intent.uploadId === id) ?? null,
    "deadLetters:list": () => ({ page: structuredClone(letters), isDone: true, continueCursor: "" }),
  };

  const convex: CallConvex = async (_kind, reference, args, call) => {
    await Promise.resolve();
    call.signal.throwIfAborted();
    const name = getFunctionName(reference);
    const change = CHANGES[name];
    const handle = change ?? READS[name];
    if (handle === undefined) {
      throw new ReelsyncError("CONVEX_FAILED", `The deployment in memory has no function ${name}`);
    }
    const answer: unknown = await exchange("convex", change !== undefined, () => handle(args as never));
    onAnswer();
    // What is answered is a copy, as it would be over the wire.
    return structuredClone(answer);
  };

  return { convex, sessions, scenes, assets };
}

function refuse(code: ConstructorParameters<typeof ReelsyncError>[0], fact: string): never {
  throw new ReelsyncError(code, fact);
}
