/** The SDK's client as a command uses it: configured from the environment, telling what happens, closed at the end. */
import type { Mode } from "../config.ts";
import { codedError } from "../errors.ts";
import type { ReelsyncEvent } from "../events.ts";
import type { Reelsync } from "../client.ts";
import { createJsonLogger } from "../log/json-logger.ts";
import { logTo, type Logger } from "../log/log-to.ts";
import type { Context } from "./context.ts";
import { QUARANTINE_HINT } from "./send-waiting.ts";
import { ownSettings } from "./settings.ts";

/** Whoever types a command waits for its end, and its exit code is about that: strict, but for what runs beside a render. */
export async function withReelsync<T, M extends Mode = "strict">(
  context: Context,
  work: (reelsync: Reelsync<M>) => Promise<T>,
  mode = "strict" as M,
): Promise<T> {
  // Loaded by the commands that move bytes alone: the AWS SDK takes longer to load than help takes to show.
  const { createReelsync } = await import("../client.ts");
  const { timeoutMs } = context;
  const log = await loggerOf(context);
  // Listened to before anything is awaited: what it finds in the journal it tells of at once.
  const reelsync = createReelsync({
    env: context.env,
    mode,
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
  if (log !== undefined) logTo(reelsync, log);
  else {
    reelsync.on((event) => {
      const told = tell(event);
      if (told !== undefined) context.output.say(context.output.paintTalk("yellow", told));
    });
  }
  try {
    return await work(reelsync);
  } finally {
    await reelsync.close().catch((error: unknown) => context.output.say(codedError(error).message));
  }
}

/** Where one is asked for; a person is then not told the same in other words. */
export async function loggerOf({ env, logLevel, output }: Context): Promise<Logger | undefined> {
  const level = logLevel ?? ownSettings(env).logLevel;
  return level === undefined ? undefined : createJsonLogger(level, output.log);
}

/** What a person should know while it happens; how an upload ends is told by its result. */
function tell(event: ReelsyncEvent): string | undefined {
  switch (event.type) {
    case "retry":
      return `${event.operation}: ${event.code}, trying again in ${(event.delayMs / 1000).toFixed(1)} s (attempt ${event.attempt + 1})`;
    case "breaker.changed":
      return event.to.kind === "open"
        ? `${event.dependency} fails repeatedly: waiting before it is asked again`
        : undefined;
    case "multipart.abandoned":
      return `parts of ${event.s3Key} are left in the bucket (${event.code}); its rule for incomplete uploads removes them`;
    case "journal.quarantined":
      return `${event.path}: nobody can read this entry of the journal, and it was set aside. ${QUARANTINE_HINT}`;
    case "deadLetter.delivered":
      return `dead letter ${event.uploadId} has reached Convex`;
    case "warning":
      return `${event.about}: ${event.code} ${event.message}`;
    default:
      return undefined;
  }
}
