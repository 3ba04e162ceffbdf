/**
 * The one place where an upload leaves the line, and the place where it comes back. Parking tells Convex, and keeps on
 * disk what Convex could not be told and what exists nowhere else. Never throws out of parking: losing the original
 * error behind a second one would help nobody.
 */
import { hostname } from "node:os";
import type { AssetIntent } from "../../../contract/asset.ts";
import type { DeadLetter, DeadLetterState } from "../../../contract/dead-letter.ts";
import { MAX_ERROR_MESSAGE_LENGTH, SECOND } from "../../../contract/limits.ts";
import { dateCall, type CallMark } from "../call-mark.ts";
import { openCall, type Call } from "../call.ts";
import type { Config } from "../config.ts";
import type { LetterRow, Records } from "../convex/records.ts";
import { codedError, isReelsyncError, ReelsyncError, type ParkedLetter } from "../errors.ts";
import { ofUpload, type Events, type Step } from "../events.ts";
import type { AssetFile } from "../file/asset-file.ts";
import type { CircuitBreaker } from "../resilience/circuit-breaker.ts";
import type { DeadLetterSpool, SpooledLetter } from "./dead-letter-spool.ts";

export interface Failed {
  intent: AssetIntent;
  madeAt: CallMark | undefined;
  assetId?: string;
  file: Pick<AssetFile, "path" | "keep">;
  step: Step;
  attempts: number;
  error: ReelsyncError;
}

/** A letter as this agent sees it. */
export interface DeadLetterView extends DeadLetter {
  /** The upload's id; what `replay` takes. */
  id: string;
  /** Convex's id of it; absent while it waits on this machine's disk. */
  deadLetterId?: string;
  state: DeadLetterState;
  /** Milliseconds since the epoch; absent while it waits on this machine's disk. */
  createdAt?: number;
  /** While `replaying`: when it can be replayed again, should nothing be heard of that replay. */
  replayingUntil?: number;
}

type Told = "told" | "refused" | "unreachable";

/** Telling Convex may not keep a failed upload from reporting its failure. */
const TELL_TIMEOUT_MS = 10 * SECOND;
/** Where Convex was what the upload failed at: a letter that waits on disk is as safe, and its caller has waited already. */
const ASK_AGAIN_MS = SECOND;
const PAGE_SIZE = 100;

export interface DeadLettersOptions {
  config: Pick<Config, "agentName" | "secrets">;
  records: Records;
  breaker: CircuitBreaker;
  spool: DeadLetterSpool;
  events: Events;
}

export type DeadLetters = ReturnType<typeof createDeadLetters>;

export function createDeadLetters({ config, records, breaker, spool, events }: DeadLettersOptions) {
  const agent = config.agentName ?? hostname();
  /** Until the disk was looked at once, something may wait there from an earlier process. */
  let mayWait = true;
  let delivering: Promise<void> | undefined;
  const replaying = new Set<string>();

  /** The letter, or what kept it from being written. */
  async function park(failed: Failed): Promise<ParkedLetter | Error> {
    const { intent, madeAt, error } = failed;
    const id = intent.uploadId;
    try {
      const filePath = failed.file.path ?? (await keepBytes(id, failed.file));
      const letter: DeadLetter = {
        intent,
        code: error.code,
        message: textOf(error),
        step: failed.step,
        attempts: failed.attempts,
        ...(filePath !== undefined && { filePath }),
        agent,
      };
      const spooled = {
        letter,
        ...(madeAt !== undefined && { madeAt }),
        ...(failed.assetId !== undefined && { assetId: failed.assetId }),
      };
      const answer = await deliver(spooled, error.code === "CONVEX_UNAVAILABLE" ? ASK_AGAIN_MS : undefined);
      const delivered = answer === "told";
      if (!delivered) await spool.write({ ...spooled, delivered });
      else if (failed.file.path === undefined) await rewrite({ ...spooled, delivered });
      mayWait ||= answer === "unreachable";
      events.emit({ type: "deadLetter.parked", ...ofUpload(intent), delivered, code: error.code });
      return { id, delivered };
    } catch (fault) {
      warn(`parking upload ${id}`, fault);
      await spool.discard(id).catch((again: unknown) => warn(`removing what is left of upload ${id}`, again));
      return fault instanceof Error ? fault : new Error(String(fault));
    }
  }

  /** What Convex has: a disk that does not take it as well costs nothing but telling Convex once more. */
  async function rewrite(spooled: SpooledLetter): Promise<void> {
    await spool.write(spooled).catch((fault: unknown) => {
      warn(`keeping dead letter ${spooled.letter.intent.uploadId} on this disk`, fault);
    });
  }

  async function keepBytes(id: string, file: Failed["file"]): Promise<string | undefined> {
    if (file.keep === undefined) return undefined;
    const path = await spool.bytesPath(id);
    await file.keep(path);
    return path;
  }

  /** The letter waits for somebody, and the upload's row says why. */
  async function deliver(
    { letter, assetId, madeAt }: Omit<SpooledLetter, "delivered">,
    timeoutMs?: number,
  ): Promise<Told> {
    const dated = dateCall(letter, madeAt);
    const told = await tell((call) => records.recordLetter(dated, call), timeoutMs);
    if (told === "told" && assetId !== undefined) await tell((call) => records.fail(assetId, letter, call));
    return told;
  }

  /** The row of an upload that is over without a letter: cancelled, or refused on the way. */
  async function withdraw(
    uploadId: string,
    assetId: string | undefined,
    error: ReelsyncError,
  ): Promise<void> {
    const why = { code: error.code, message: textOf(error) };
    await tell(async (call) => {
      const id = assetId ?? (await records.rowOf(uploadId, call))?.assetId;
      if (id !== undefined) await records.fail(id, why, call);
    });
  }

  /** Says something to Convex, briefly. An open circuit is not asked. */
  async function tell(work: (call: Call) => Promise<unknown>, timeoutMs = TELL_TIMEOUT_MS): Promise<Told> {
    if (breaker.state.kind === "open") return "unreachable";
    const call = openCall({ timeoutMs });
    try {
      await work(call);
      return "told";
    } catch (error) {
      warn("telling Convex of a failed upload", error);
      return isReelsyncError(error) && error.retryable ? "unreachable" : "refused";
    } finally {
      call.dispose();
    }
  }

  async function deliverAll(): Promise<void> {
    mayWait = false;
    for (const spooled of await spool.all()) {
      if (spooled.delivered) continue;
      const { uploadId } = spooled.letter.intent;
      // Telling of the old failure would give up the very row its replay has just opened.
      if (replaying.has(uploadId)) {
        mayWait = true;
        continue;
      }
      const answer = await deliver(spooled);
      // What is refused would be refused again; it stays on disk for a replay and does not hold up the others.
      if (answer === "refused") continue;
      if (answer === "unreachable") {
        mayWait = true;
        return;
      }
      // With its own bytes it stays until the replay.
      if (spool.holdsBytesOf(spooled.letter)) await rewrite({ ...spooled, delivered: true });
      else await spool.remove(uploadId);
      events.emit({ type: "deadLetter.delivered", ...ofUpload(spooled.letter.intent) });
    }
  }

  async function list(call: Call): Promise<DeadLetterView[]> {
    const local = (await spool.all())
      .filter(({ delivered }) => !delivered)
      .map(({ letter }) => waiting(letter));
    const views: DeadLetterView[] = local;
    for await (const row of rows(call)) views.push(view(row));
    return views;
  }

  async function* rows(call: Call): AsyncGenerator<LetterRow> {
    for (let cursor: string | null = null; ;) {
      const page: Awaited<ReturnType<Records["letters"]>> = await records.letters(cursor, PAGE_SIZE, call);
      yield* page.page;
      if (page.isDone) return;
      cursor = page.continueCursor;
    }
  }

  /** By the upload's id or by Convex's id of the letter. What is on this disk is found without asking. */
  async function find(id: string, call: Call): Promise<DeadLetterView> {
    const local = await spool.read(id);
    if (local?.delivered === false) return waiting(local.letter);
    const row = await records.letter(id, call);
    if (row !== null) return view(row);
    throw new ReelsyncError("NOT_FOUND", `${id} names no dead letter of yours`);
  }

  function warn(about: string, error: unknown) {
    const { code } = codedError(error);
    const message = withoutSecrets(error instanceof Error ? error.message : String(error));
    events.emit({ type: "warning", about, code, message });
  }

  /** What Convex takes of an error's text. */
  function textOf({ message }: Error): string {
    return withoutSecrets(message).slice(0, MAX_ERROR_MESSAGE_LENGTH);
  }

  function withoutSecrets(text: string): string {
    return config.secrets.reduce((clean, secret) => clean.replaceAll(secret, "…"), text);
  }

  return {
    agent,
    park,
    withdraw,
    list,
    find,
    /** Until the returned function is called, what waits on disk of this upload stays there. */
    async holdBack(id: string): Promise<() => void> {
      replaying.add(id);
      await delivering;
      return () => replaying.delete(id);
    },
    /** When the call of a letter on this disk was made. Of one that Convex has, Convex knows it. */
    madeAt: async (id: string) => (await spool.read(id))?.madeAt,
    textOf,
    withoutSecrets,
    warn,
    /** Its upload is committed: a folder that cannot be cleaned is no failure of that. */
    forget: (id: string) =>
      spool.remove(id).catch((fault: unknown) => warn(`removing dead letter ${id} from this disk`, fault)),
    /** Delivers what waits on disk, in the background and one delivery at a time. */
    deliverWaiting(): void {
      if (!mayWait || delivering !== undefined) return;
      delivering = deliverAll()
        .catch((error: unknown) => warn("delivering dead letters", error))
        .finally(() => (delivering = undefined));
    },
    /** Resolves when no delivery is under way. */
    idle: async () => delivering,
  };
}

function waiting(letter: DeadLetter): DeadLetterView {
  return { ...letter, id: letter.intent.uploadId, state: "parked" };
}

function view(row: LetterRow): DeadLetterView {
  const { deadLetterId, state, createdAt, intent, code, message, step, attempts, filePath, agent } = row;
  const { replayingUntil } = row;
  return {
    id: intent.uploadId,
    deadLetterId,
    state,
    createdAt,
    intent,
    code,
    message,
    step,
    attempts,
    ...(filePath !== undefined && { filePath }),
    agent,
    ...(replayingUntil !== undefined && { replayingUntil }),
  };
}
