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
    const call = openCall({ timeoutMs: request.timeoutMs ?? timeoutMs, signal: request.signal });
    try {
      const letter = await letters.find(id, call);
      const claimed = await claim(letter, call);
      const letGo = await letters.holdBack(letter.id);
      try {
        const result = await resend(letter, { ...request, signal: call.signal });
        await letters.forget(letter.id);
        events.emit({ type: "deadLetter.replayed", ...ofUpload(letter.intent), outcome: "resolved" });
        return result;
      } catch (error) {
        await settle(letter, claimed, error);
        throw error;
      } finally {
        letGo();
      }
    } finally {
      call.dispose();
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
    const { code, message } = isReelsyncError(error)
      ? error
      : new ReelsyncError("CONVEX_FAILED", String(error));
    events.emit({ type: "deadLetter.replayed", ...ofUpload(letter.intent), outcome: "parked", code });
    if (!claimed || letter.deadLetterId === undefined) return;
    const call = openCall({ timeoutMs: SETTLE_TIMEOUT_MS });
    await records
      .settleLetter({ deadLetterId: letter.deadLetterId, outcome: "parked", code, message }, call)
      .catch((fault: unknown) => letters.warn(`settling dead letter ${letter.id}`, fault))
      .finally(call.dispose);
  }

  return replay;
}
