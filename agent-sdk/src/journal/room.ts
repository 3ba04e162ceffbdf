/** How much a journal may hold. Callers wait for room in the order they came; who waits too long is told so. */
import { ReelsyncError } from "../errors.ts";

export interface RoomLimits {
  maxEntries: number;
  maxBytes: number;
  /** Longest time a call waits for room. */
  waitForRoomMs: number;
}

export interface Room {
  /** Resolves to the function that gives the room back. */
  take: (bytes: number, signal: AbortSignal) => Promise<() => void>;
  /** For what is there already, whether it fits or not. */
  occupy: (bytes: number) => () => void;
}

interface Waiter {
  bytes: number;
  start: () => void;
}

export function createRoom({ maxEntries, maxBytes, waitForRoomMs }: RoomLimits): Room {
  const waiting: Waiter[] = [];
  let entries = 0;
  let held = 0;

  const fits = (bytes: number) => entries < maxEntries && held + bytes <= maxBytes;

  function occupy(bytes: number): () => void {
    entries += 1;
    held += bytes;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      entries -= 1;
      held -= bytes;
      while (waiting[0] !== undefined && fits(waiting[0].bytes)) waiting.shift()?.start();
    };
  }

  function full(bytes: number): ReelsyncError {
    return new ReelsyncError(
      "JOURNAL_FULL",
      `The journal holds ${entries} of ${maxEntries} uploads and ${held} of ${maxBytes} bytes; this one has ${bytes}`,
    );
  }

  return {
    occupy,
    async take(bytes, signal) {
      signal.throwIfAborted();
      if (waiting.length === 0 && fits(bytes)) return occupy(bytes);
      if (bytes > maxBytes) throw full(bytes);
      return new Promise((resolve, reject) => {
        const leave = (reason: Error) => {
          waiting.splice(waiting.indexOf(waiter), 1);
          stop();
          reject(reason);
        };
        const onAbort = () => leave(signal.reason as Error);
        const timer = setTimeout(() => leave(full(bytes)), waitForRoomMs);
        const stop = () => {
          clearTimeout(timer);
          signal.removeEventListener("abort", onAbort);
        };
        const waiter: Waiter = {
          bytes,
          start() {
            stop();
            resolve(occupy(bytes));
          },
        };
        signal.addEventListener("abort", onAbort, { once: true });
        waiting.push(waiter);
      });
    },
  };
}
