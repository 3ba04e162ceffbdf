/**
 * What a client tells its listeners, as lines of a structured log: one for each upload with its key, size, duration and
 * attempts, and one for whatever keeps uploads waiting. Holds no secret, because no event does.
 */
import type { Reelsync } from "../client.ts";
import type { ReelsyncEvent } from "../events.ts";

/** As much of pino as is used here; any logger that takes an object and a message will do. */
export interface Logger {
  debug: (facts: object, message: string) => void;
  info: (facts: object, message: string) => void;
  warn: (facts: object, message: string) => void;
  error: (facts: object, message: string) => void;
}

/** What the last line of an upload says, gathered while it is under way. */
interface UnderWay {
  startedAt: number;
  fileName: string;
  s3Key?: string;
  size?: number;
  deduped?: boolean;
}

/** Returns the function that stops it. */
export function logTo(reelsync: Pick<Reelsync, "on">, logger: Logger): () => void {
  const underWay = new Map<string, UnderWay>();

  function note(uploadId: string, facts: Partial<UnderWay>): void {
    const upload = underWay.get(uploadId);
    if (upload !== undefined) Object.assign(upload, facts);
  }

  function end(uploadId: string): object {
    const upload = underWay.get(uploadId);
    underWay.delete(uploadId);
    if (upload === undefined) return {};
    const { startedAt, ...facts } = upload;
    return { ...facts, durationMs: Math.round(performance.now() - startedAt) };
  }

  return reelsync.on((event: ReelsyncEvent) => {
    const { type, ...facts } = event;
    switch (event.type) {
      case "upload.started":
        underWay.set(event.uploadId, { startedAt: performance.now(), fileName: event.fileName });
        return logger.debug(facts, type);
      case "upload.hashed":
        note(event.uploadId, { size: event.size });
        return logger.debug(facts, type);
      case "upload.begun":
        note(event.uploadId, { s3Key: event.s3Key, deduped: event.deduped });
        return logger.debug(facts, type);
      case "upload.finished":
        return logger.info({ ...end(event.uploadId), ...facts }, type);
      case "upload.failed":
        return logger.error({ ...end(event.uploadId), ...facts }, type);
      case "upload.queued":
      case "journal.waiting":
        return logger.warn({ ...end(event.uploadId), ...facts }, type);
      case "upload.stored":
        return logger.debug(facts, type);
      case "upload.skipped":
      case "journal.recovered":
      case "journal.sent":
      case "deadLetter.delivered":
      case "rollout.changed":
        return logger.info(facts, type);
      case "deadLetter.replayed":
        return event.outcome === "resolved" ? logger.info(facts, type) : logger.error(facts, type);
      case "breaker.changed":
        return event.to.kind === "closed" ? logger.info(facts, type) : logger.warn(facts, type);
      case "retry":
      case "multipart.abandoned":
      case "warning":
        return logger.warn(facts, type);
      case "deadLetter.parked":
      case "journal.quarantined":
        return logger.error(facts, type);
      default:
        // Of a kind that is newer than this list.
        event satisfies never;
        return logger.info(facts, type);
    }
  });
}
