/** Dead letters going back into the line they left: the same upload id, the same bytes, at most once at a time. */
import { SECOND } from "../../../contract/limits.ts";
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
      const claimed = await claim(letter, call);
      await send(letter, claimed, {}, call).catch(() => undefined);
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
    claimed: boolean,
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
      await settle(letter, claimed, error);
      throw error;
    } finally {
      letGo();
    }
  }

  async function claim(letter: DeadLetterView, call: Call): Promise<boolean> {
    if (letter.state === "resolved" || letter.state === "discarded") {
      throw new ReelsyncError("CONFLICT", `Dead letter ${letter.id} is ${letter.state} already`);
    }
    if (letter.deadLetterId === undefined) return false;
    const { claimed } = await records.claimLetter(letter.deadLetterId, call);
    // Nobody asked for a parked one, so there is nothing to claim; anything else is with another process.
    if (!claimed && letter.state !== "parked") {
      throw new ReelsyncError("CONFLICT", `Dead letter ${letter.id} is being replayed elsewhere`);
    }
    return claimed;
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

  async function settle(letter: DeadLetterView, claimed: boolean, error: unknown): Promise<void> {
    const coded = isReelsyncError(error) ? error : new ReelsyncError("CONVEX_FAILED", String(error));
    const { code } = coded;
    events.emit({ type: "deadLetter.replayed", ...ofUpload(letter.intent), outcome: "parked", code });
    if (!claimed || letter.deadLetterId === undefined) return;
    const call = openCall({ timeoutMs: SETTLE_TIMEOUT_MS });
    await records
      .settleLetter(
        { deadLetterId: letter.deadLetterId, outcome: "parked", code, message: letters.textOf(coded) },
        call,
      )
      .catch((fault: unknown) => letters.warn(`settling dead letter ${letter.id}`, fault))
      .finally(call.dispose);
  }

  return { replay, replayRequested };
}
