/** Dead letters going back into the line they left: the same upload id, the same bytes, at most once at a time. */
import { randomUUID } from "node:crypto";
import { MAX_REPLAY_LEASE_MS, MINUTE, SECOND } from "../../../contract/limits.ts";
import { openCall, type Call } from "../call.ts";
import type { Records } from "../convex/records.ts";
import { isReelsyncError, ReelsyncError } from "../errors.ts";
import { ofUpload, type Events } from "../events.ts";
import { requestOf, type PublishedUpload, type UploadRequest } from "../upload-request.ts";
import type { UploadLine } from "../upload-line.ts";
import { publishOrThrow } from "../upload-with-convex-sync.ts";
import type { DeadLetters, DeadLetterView } from "./dead-letters.ts";

export interface ReplayOptions {
  line: UploadLine;
  records: Records;
  letters: DeadLetters;
  events: Events;
  timeoutMs: number;
}

/** How one replay is made; the same as of an upload. */
export type ReplayRequest = Pick<UploadRequest, "signal" | "timeoutMs" | "onProgress">;

/** Saying how a replay ended may not depend on the call that ended it. */
const SETTLE_TIMEOUT_MS = 10 * SECOND;
/** A claim outlasts its replay's deadline by this, in which its end can be told. */
const LEASE_BEYOND_DEADLINE_MS = MINUTE;

export function createReplay({ line, records, letters, events, timeoutMs }: ReplayOptions) {
  async function replay(id: string, request: ReplayRequest = {}): Promise<PublishedUpload> {
    return during(request, async (call) => {
      const letter = await letters.find(id, call);
      return send(letter, await claim(letter, call), request, call);
    });
  }

  /** Of a letter that somebody asks for. Throws what kept it from being claimed; all later errors are told by its letter. */
  async function replayRequested(id: string): Promise<void> {
    await during({}, async (call) => {
      const letter = await letters.find(id, call);
      if (letter.state !== "replay_requested") return;
      const claimId = await claim(letter, call);
      await send(letter, claimId, {}, call).catch(() => undefined);
    });
  }

  /** Among the client's calls, so that closing can end it. */
  async function during<T>(request: ReplayRequest, work: (call: Call) => Promise<T>): Promise<T> {
    const call = openCall({ timeoutMs: request.timeoutMs ?? timeoutMs, signal: request.signal });
    line.calls.add(call);
    try {
      return await work(call);
    } finally {
      line.calls.delete(call);
      call.dispose();
    }
  }

  async function send(
    letter: DeadLetterView,
    claimId: string | undefined,
    request: ReplayRequest,
    { signal }: Call,
  ): Promise<PublishedUpload> {
    const letGo = await letters.holdBack(letter.id);
    try {
      const result = await resend(letter, { ...request, signal });
      await letters.forget(letter.id);
      events.emit({ type: "deadLetter.replayed", ...ofUpload(letter.intent), outcome: "resolved" });
      return result;
    } catch (error) {
      await settle(letter, claimId, error);
      throw error;
    } finally {
      letGo();
    }
  }

  /** The claim's id; none is needed for a letter that Convex was not told of. */
  async function claim(letter: DeadLetterView, call: Call): Promise<string | undefined> {
    if (letter.state === "resolved" || letter.state === "discarded") {
      throw new ReelsyncError("CONFLICT", `Dead letter ${letter.id} is ${letter.state} already`, {
        hint:
          letter.state === "resolved"
            ? "Nothing is left to do: its upload is recorded."
            : "Upload the file anew if it is wanted after all.",
      });
    }
    const { deadLetterId } = letter;
    if (deadLetterId === undefined) return undefined;
    const claimId = randomUUID();
    const leaseMs = Math.min(Math.ceil(call.remainingMs()) + LEASE_BEYOND_DEADLINE_MS, MAX_REPLAY_LEASE_MS);
    const { claimed, until } = await records.claimLetter({ deadLetterId, claimId, leaseMs }, call);
    if (claimed) return claimId;
    const end = until === undefined ? "" : ` until ${new Date(until).toISOString()} at the latest`;
    throw new ReelsyncError(
      "CONFLICT",
      `Dead letter ${letter.id} is being replayed by another process${end}`,
      {
        hint: "Wait for it; if it was killed, an admin frees the letter at once with reelsync dead-letters retry --request.",
      },
    );
  }

  async function resend(
    { id, intent, filePath, agent }: DeadLetterView,
    request: ReplayRequest,
  ): Promise<PublishedUpload> {
    if (filePath === undefined) {
      throw new ReelsyncError("FILE_NOT_FOUND", `The bytes of this upload were not kept on "${agent}"`);
    }
    const { uploadId, sha256 } = intent;
    return publishOrThrow(
      line,
      { ...requestOf(intent, filePath), ...request },
      {
        uploadId,
        sha256,
        madeAt: await letters.madeAt(id),
      },
    );
  }

  async function settle(letter: DeadLetterView, claimId: string | undefined, error: unknown): Promise<void> {
    const coded = isReelsyncError(error) ? error : new ReelsyncError("CONVEX_FAILED", String(error));
    const { code } = coded;
    events.emit({ type: "deadLetter.replayed", ...ofUpload(letter.intent), outcome: "parked", code });
    if (claimId === undefined || letter.deadLetterId === undefined) return;
    const call = openCall({ timeoutMs: SETTLE_TIMEOUT_MS });
    await records
      .settleLetter(
        {
          deadLetterId: letter.deadLetterId,
          claimId,
          outcome: "parked",
          code,
          message: letters.textOf(coded),
        },
        call,
      )
      .catch((fault: unknown) => letters.warn(`settling dead letter ${letter.id}`, fault))
      .finally(call.dispose);
  }

  return { replay, replayRequested };
}
