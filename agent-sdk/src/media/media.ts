/** What a client offers for work on stored media. */
import { openCall, type Call } from "../call.ts";
import type { Mode } from "../config.ts";
import { combineSession, type CombineOptions, type SessionCombiner } from "./combine-session.ts";
import { withLocalCopy, type LocalCopies, type LocalCopyParts } from "./local-copy.ts";

export type Media<M extends Mode = Mode> = LocalCopies<M> & SessionCombiner<M>;

export function createMedia(parts: LocalCopyParts & { timeoutMs: number }) {
  async function during<T>(
    options: { signal?: AbortSignal; timeoutMs?: number } | undefined,
    work: (call: Call) => Promise<T>,
  ): Promise<T> {
    const { signal, timeoutMs = parts.timeoutMs } = options ?? {};
    const call = openCall({ timeoutMs, signal });
    return work(call).finally(call.dispose);
  }

  return {
    withLocalCopy: (
      of: Parameters<LocalCopies["withLocalCopy"]>[0],
      fn: Parameters<LocalCopies["withLocalCopy"]>[1],
      options: Parameters<LocalCopies["withLocalCopy"]>[2],
    ) => during(options, (call) => withLocalCopy(parts, of, fn, options?.onProgress, call)),
    combineSession: (sessionId: string, options: CombineOptions = {}) =>
      during(options, (call) => combineSession(parts, sessionId, options, call)),
  };
}
