/** The deployment's functions the SDK uses, each behind the guard of the deployment's breaker. Moves no bytes. */
import type { FunctionReturnType } from "convex/server";
import type { AssetIntent, CallMade, DatedIntent, StoredObject } from "../../../contract/asset.ts";
import type { ItemOutcome } from "../../../contract/batch.ts";
import type { DeadLetter } from "../../../contract/dead-letter.ts";
import { MAX_ERROR_MESSAGE_LENGTH } from "../../../contract/limits.ts";
import type { SignedAssetUrl } from "../../../contract/playback.ts";
import type { SceneUpsert } from "../../../contract/scene.ts";
import type { SessionCreate } from "../../../contract/session.ts";
import { api } from "../../../convex/_generated/api.js";
import type { Call } from "../call.ts";
import { ReelsyncError } from "../errors.ts";
import type { Guard } from "../resilience/guard.ts";
import { createBatcher, type Settled } from "./batcher.ts";
import type { CallConvex } from "./convex-caller.ts";

type BeginAnswer = FunctionReturnType<typeof api.assets.begin>;
export type Begun = Exclude<BeginAnswer, { status: "hash_first" }>;
export type LetterRow = FunctionReturnType<typeof api.deadLetters.list>["page"][number];

export interface Committed {
  state: "ready" | "superseded";
  version: number;
}

type Row = FunctionReturnType<typeof api.assets.byUpload>;

interface CommitArgs {
  assetId: string;
  object: StoredObject;
  /** Where `begin` did not say it. */
  sha256?: string;
}

type Hashed = DatedIntent & AssetIntent;

export type Records = ReturnType<typeof createRecords>;

export function createRecords(convex: CallConvex, guard: Guard) {
  const sayBegin = createBatcher<DatedIntent, BeginAnswer>({
    alone: (intent, call) => convex("mutation", api.assets.begin, intent, call),
    together: async (items, call) =>
      settled(await convex("mutation", api.assets.beginBatch, { items }, call)),
  });
  const sayCommit = createBatcher<CommitArgs, Committed>({
    async alone(args, call) {
      const answer = await convex("mutation", api.assets.commit, args, call);
      if (answer.status === "refused") throw new ReelsyncError(answer.code, answer.message);
      return { state: answer.status, version: answer.version };
    },
    async together(items, call) {
      const outcomes = await convex("mutation", api.assets.commitBatch, { items }, call);
      return settled(
        outcomes.map((one) => (one.ok ? { ok: true, state: one.status, version: one.version } : one)),
      );
    },
  });
  const rowOf = createBatcher<string, Row>({
    alone: (uploadId, call) => convex("query", api.assets.byUpload, { uploadId }, call),
    async together(uploadIds, call) {
      const rows = await convex("query", api.assets.byUploads, { uploadIds }, call);
      return rows.map((answer) => ({ ok: true, answer }));
    },
  });

  async function begin(intent: Hashed, call: Call): Promise<Begun> {
    const answer = await sayBegin(intent, call);
    if (answer.status !== "hash_first") return answer;
    throw new ReelsyncError("CONVEX_FAILED", "The deployment asks for a hash that it was told");
  }

  /**
   * Undefined: the deployment has to know the hash. Either the content may be there already, or this upload was finished
   * by another process, or the deployment is older than begins without a hash. One refused for another reason is refused
   * again with the hash.
   */
  async function beginUnhashed(intent: DatedIntent, call: Call): Promise<Begun | undefined> {
    try {
      const answer = await sayBegin(intent, call);
      return answer.status === "pending" ? answer : undefined;
    } catch (error) {
      if (error instanceof ReelsyncError && error.code === "INVALID_ARGUMENT") return undefined;
      throw error;
    }
  }

  async function commit(intent: Hashed, args: CommitArgs, call: Call): Promise<Committed> {
    let unknown = false;
    return guard(call, "assets:commit", async () => {
      // The last attempt may have been recorded although its reply never came: ask before saying it again.
      if (unknown) {
        const row = await rowOf(intent.uploadId, call);
        if (row?.status === "ready" || row?.status === "superseded") {
          return { state: row.status, version: row.version };
        }
      }
      try {
        return await sayCommit(args, call);
      } catch (error) {
        if (!(error instanceof ReelsyncError)) throw error;
        unknown = error.code === "CONVEX_UNAVAILABLE";
        // Somebody gave the row up meanwhile: the same upload opens it again, under its old version.
        if (error.code === "CONFLICT") await begin(intent, call);
        throw error;
      }
    });
  }

  return {
    commit,
    begin: (intent: Hashed, call: Call) => guard(call, "assets:begin", () => begin(intent, call)),
    beginUnhashed: (intent: DatedIntent, call: Call) =>
      guard(call, "assets:begin", () => beginUnhashed(intent, call)),

    rowOf,

    uploading: (assetId: string, call: Call) => convex("mutation", api.assets.uploading, { assetId }, call),

    fail: (assetId: string, { code, message }: { code: string; message: string }, call: Call) =>
      convex(
        "mutation",
        api.assets.fail,
        { assetId, code, message: message.slice(0, MAX_ERROR_MESSAGE_LENGTH) },
        call,
      ),

    createSession: (session: SessionCreate, call: Call) =>
      guard(call, "sessions:create", () => convex("mutation", api.sessions.create, session, call)),

    endSession: (
      end: { sessionId: string; outcome: "ended" | "failed"; errorMessage?: string },
      call: Call,
    ) => guard(call, "sessions:end", () => convex("mutation", api.sessions.end, end, call)),

    upsertScene: (scene: SceneUpsert, call: Call) =>
      guard(call, "scenes:upsert", () => convex("mutation", api.scenes.upsert, scene, call)),

    async url(assetId: string, call: Call): Promise<SignedAssetUrl> {
      const signed = await guard(call, "playback:urls", () =>
        convex("action", api.playback.urls, { assetIds: [assetId] }, call),
      );
      if (signed[0] === undefined) {
        throw new ReelsyncError("ASSET_NOT_FOUND", `${assetId} names no stored asset of yours`);
      }
      return signed[0];
    },

    recordLetter: (letter: DeadLetter & { made?: CallMade }, call: Call) =>
      convex("mutation", api.deadLetters.record, letter, call),

    letters: (cursor: string | null, numItems: number, call: Call) =>
      guard(call, "deadLetters:list", () =>
        convex("query", api.deadLetters.list, { paginationOpts: { cursor, numItems } }, call),
      ),

    /** By its own id or by that of its upload. */
    letter: (id: string, call: Call) =>
      guard(call, "deadLetters:get", () => convex("query", api.deadLetters.get, { id }, call)),

    claimLetter: (claim: { deadLetterId: string; claimId: string; leaseMs: number }, call: Call) =>
      guard(call, "deadLetters:claim", () => convex("mutation", api.deadLetters.claim, claim, call)),

    settleLetter: (
      settled: {
        deadLetterId: string;
        claimId: string;
        outcome: "resolved" | "parked";
        code?: string;
        message?: string;
      },
      call: Call,
    ) => guard(call, "deadLetters:settle", () => convex("mutation", api.deadLetters.settle, settled, call)),
  };
}

function settled<Answer>(outcomes: readonly ItemOutcome<Answer>[]): Settled<Answer>[] {
  return outcomes.map((outcome) =>
    outcome.ok
      ? { ok: true, answer: outcome }
      : { ok: false, error: new ReelsyncError(outcome.code, outcome.message) },
  );
}
