/** Answers as JSON lines: progress while it lasts, then the result or the error as the last line. */
import { SECOND } from "../../../contract/limits.ts";
import type { Progress } from "../progress.ts";
import type { Asked } from "./operations.ts";
import { toldError } from "./told-error.ts";

export const JSON_LINES = "application/x-ndjson";

/** As often as somebody looking at a bar notices. */
const PROGRESS_INTERVAL_MS = SECOND / 10;

/** Progress comes with every few kilobytes; of that, the ends of each phase and a few a second are told. */
export function thinned(tell: (progress: object) => void): Asked["onProgress"] {
  const told = new Map<unknown, { phase: unknown; at: number }>();
  return (progress) => {
    const { index, phase, loaded, total } = progress as Partial<Progress> & { index?: number };
    const last = told.get(index);
    const now = performance.now();
    if (last?.phase === phase && loaded !== total && now - (last?.at ?? 0) < PROGRESS_INTERVAL_MS) return;
    if (phase === "done") told.delete(index);
    else told.set(index, { phase, at: now });
    tell(progress);
  };
}

export async function outcomeOf(work: Promise<unknown>): Promise<{ result: unknown } | { error: object }> {
  try {
    return { result: await work };
  } catch (error) {
    return { error: toldError(error) };
  }
}

/** A body of lines. A reader that is slow misses progress, never the outcome. */
export function bodyOfLines(
  work: (onProgress: Asked["onProgress"]) => Promise<unknown>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const line = (record: object) => encoder.encode(`${JSON.stringify(record)}\n`);
  let gone = false;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const onProgress = thinned((progress) => {
          if (!gone && (controller.desiredSize ?? 0) > 0) controller.enqueue(line({ progress }));
        });
        void outcomeOf(work(onProgress)).then((outcome) => {
          if (gone) return;
          controller.enqueue(line(outcome));
          controller.close();
        });
      },
      cancel() {
        gone = true;
      },
    },
    { highWaterMark: 64 },
  );
}
