/**
 * Calls of one kind that happen close together, sent as one. The first goes at once and alone, as if this part was not
 * there; what comes while it is under way gathers and goes together next, in the order it came. So a single upload pays
 * nothing, and a thousand pay a few dozen requests.
 *
 * An item is settled with its own answer or refusal. When a whole batch fails its outcome is unknown to all of its
 * items alike; what follows from that (asking again, reading back) is the business of each item's caller.
 */
import { MAX_BATCH_ITEMS, MIB, SECOND } from "../../../contract/limits.ts";
import type { Call } from "../call.ts";
import { ReelsyncError } from "../errors.ts";

export type Settled<Answer> = { ok: true; answer: Answer } | { ok: false; error: ReelsyncError };

export interface BatcherOptions<Item, Answer> {
  alone: (item: Item, call: Call) => Promise<Answer>;
  /** Answers in the order of the items. */
  together: (items: Item[], call: Call) => Promise<Settled<Answer>[]>;
  patienceMs?: number;
}

interface Entry<Item, Answer> {
  item: Item;
  call: Call;
  /** As JSON, once that was asked. */
  bytes?: number;
  /** Its caller's signal ended it: the answer is of no interest any more. */
  left: boolean;
  /** Told when it leaves while it is under way with others. */
  onLeave?: () => void;
  settle: (outcome: Settled<Answer>) => void;
}

/** A request that hangs may hang by itself; what gathered behind it waits no longer than this. */
const PATIENCE_MS = SECOND;

/** Of arguments, as JSON: a sixteenth of what a Convex function takes, and little enough to send in one go. */
const MAX_BATCH_BYTES = MIB;

export function createBatcher<Item, Answer>(options: BatcherOptions<Item, Answer>) {
  const { alone, together, patienceMs = PATIENCE_MS } = options;
  const waiting: Entry<Item, Answer>[] = [];
  let holding = 0;

  function sendNext() {
    if (holding > 0 || waiting.length === 0) return;
    const entries = waiting.splice(0, fitting(waiting));
    holding += 1;
    let holds = true;
    const letGo = () => {
      if (!holds) return;
      holds = false;
      holding -= 1;
      sendNext();
    };
    const timer = setTimeout(letGo, patienceMs);
    void send(entries).finally(() => {
      clearTimeout(timer);
      letGo();
    });
  }

  async function send(entries: Entry<Item, Answer>[]): Promise<void> {
    const [only] = entries;
    if (only !== undefined && entries.length === 1) return sendAlone(only);
    try {
      const outcomes = await together(
        entries.map(({ item }) => item),
        sharedCall(entries),
      );
      for (const [index, entry] of entries.entries()) entry.settle(outcomes[index] ?? unanswered());
    } catch (error) {
      if (isAboutTheBatch(error)) await Promise.all(entries.map(sendAlone));
      else for (const entry of entries) entry.settle({ ok: false, error: error as ReelsyncError });
    }
  }

  async function sendAlone(entry: Entry<Item, Answer>): Promise<void> {
    if (entry.left) return;
    try {
      entry.settle({ ok: true, answer: await alone(entry.item, entry.call) });
    } catch (error) {
      entry.settle({ ok: false, error: error as ReelsyncError });
    }
  }

  return (item: Item, call: Call): Promise<Answer> =>
    new Promise((resolve, reject) => {
      call.signal.throwIfAborted();
      const leave = () => {
        entry.left = true;
        const place = waiting.indexOf(entry);
        if (place !== -1) waiting.splice(place, 1);
        reject(call.signal.reason as Error);
        entry.onLeave?.();
      };
      const entry: Entry<Item, Answer> = {
        item,
        call,
        left: false,
        settle(outcome) {
          call.signal.removeEventListener("abort", leave);
          if (outcome.ok) resolve(outcome.answer);
          else reject(outcome.error);
        },
      };
      call.signal.addEventListener("abort", leave, { once: true });
      waiting.push(entry);
      sendNext();
    });
}

/** How many from the head of the line fit into one call; one always does. */
function fitting(waiting: readonly { item: unknown; bytes?: number }[]): number {
  let bytes = 0;
  for (const [index, entry] of waiting.entries()) {
    bytes += entry.bytes ??= JSON.stringify(entry.item).length;
    if (index === MAX_BATCH_ITEMS || (index > 0 && bytes > MAX_BATCH_BYTES)) return index;
  }
  return waiting.length;
}

/** Lasts as long as the most patient of its items, ends when the last of them left, and counts a retry for each. */
function sharedCall<Item, Answer>(entries: readonly Entry<Item, Answer>[]): Call {
  const controller = new AbortController();
  for (const entry of entries) {
    entry.onLeave = () => {
      if (entries.every(({ left }) => left)) controller.abort(entry.call.signal.reason);
    };
  }
  let retries = 0;
  return {
    signal: controller.signal,
    remainingMs: () => Math.max(...entries.map(({ left, call }) => (left ? 0 : call.remainingMs()))),
    noteFailure(error) {
      for (const { call } of entries) call.noteFailure(error);
    },
    end: (reason) => controller.abort(reason),
    dispose: () => undefined,
    patient: entries.some(({ call }) => call.patient),
    get retries() {
      return retries;
    },
    set retries(count) {
      for (const { call } of entries) call.retries += count - retries;
      retries = count;
    },
  };
}

/** The deployment does not know batches, or this one was too much for it: its items may still go one by one. */
function isAboutTheBatch(error: unknown): boolean {
  return (
    error instanceof ReelsyncError && (error.code === "CONVEX_FAILED" || error.code === "INVALID_ARGUMENT")
  );
}

function unanswered(): Settled<never> {
  return { ok: false, error: new ReelsyncError("CONVEX_FAILED", "The batch was answered without this item") };
}
