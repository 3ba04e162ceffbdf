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

  function follow(event: ReelsyncEvent): void {
    switch (event.type) {
      case "upload.started":
        underWay.set(event.uploadId, { startedAt: performance.now(), fileName: event.fileName });
        return;
      case "upload.hashed":
        note(event.uploadId, { size: event.size });
        return;
      case "upload.begun":
        note(event.uploadId, { s3Key: event.s3Key, deduped: event.deduped });
        return;
      default:
    }
  }

  /** What was gathered of an upload, with its last line. */
  function gathered(event: ReelsyncEvent): object {
    if (!ENDS.has(event.type) || !("uploadId" in event)) return {};
    const upload = underWay.get(event.uploadId);
    if (upload === undefined) return {};
    underWay.delete(event.uploadId);
    const { startedAt, ...facts } = upload;
    return { ...facts, durationMs: Math.round(performance.now() - startedAt) };
  }

  return reelsync.on((event) => {
    const { type, ...facts } = event;
    follow(event);
    logger[levelOf(event)]({ ...gathered(event), ...facts }, type);
  });
}

const ENDS: ReadonlySet<ReelsyncEvent["type"]> = new Set<ReelsyncEvent["type"]>([
  "upload.finished",
  "upload.failed",
  "upload.queued",
  "journal.waiting",
]);

function levelOf(event: ReelsyncEvent): keyof Logger {
  switch (event.type) {
    case "upload.started":
    case "upload.hashed":
    case "upload.begun":
    case "upload.stored":
      return "debug";
    case "upload.finished":
    case "upload.skipped":
    case "journal.recovered":
    case "journal.sent":
    case "deadLetter.delivered":
    case "rollout.changed":
      return "info";
    case "upload.queued":
    case "journal.waiting":
    case "retry":
    case "multipart.abandoned":
    case "warning":
      return "warn";
    case "upload.failed":
    case "deadLetter.parked":
    case "journal.quarantined":
      return "error";
    case "breaker.changed":
      return event.to.kind === "closed" ? "info" : "warn";
    case "deadLetter.replayed":
      return event.outcome === "resolved" ? "info" : "error";
  }
}
