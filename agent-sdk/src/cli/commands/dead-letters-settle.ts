/** `reelsync dead-letters retry` and `discard`: the two ways out for a dead letter. */
import { hostname } from "node:os";
import { api } from "../../../../convex/_generated/api.js";
import type { Reelsync } from "../../client.ts";
import { withReelsync } from "../agent.ts";
import { plain } from "../columns.ts";
import { connectAsPerson } from "../connection.ts";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { commonExitCode, EXIT, exitCodeOf, UsageError, type ExitCode } from "../exit-code.ts";
import { findDelivered } from "../letters.ts";
import { describe } from "../output.ts";
import { date, plural } from "../quantities.ts";
import { agentSettings } from "../settings.ts";
import { tenantOption } from "./dead-letters.ts";

const HELP = "reelsync dead-letters retry --help shows how.";

export const deadLettersRetry = defineCommand({
  path: ["dead-letters", "retry"],
  summary: "Send dead letters through the line again",
  details:
    "On the machine that holds the files: as the same uploads, so a second retry changes nothing. With --request, as an admin (REELSYNC_TOKEN), the agent that " +
    "holds the file is asked to do it. With --json one document a letter, in which one that failed again has `error`.",
  args: { id: { takes: "any", summary: "Upload ids, or Convex's ids of the letters" } },
  options: {
    all: { kind: "flag", summary: "All that are parked and whose file this machine holds" },
    request: { kind: "flag", summary: "Ask the agent that holds the file" },
    ...tenantOption,
  },
  examples: [
    { does: "one", line: "reelsync dead-letters retry $letter" },
    { does: "after an outage, on the agent's machine", line: "reelsync dead-letters retry --all" },
    { does: "from anywhere, as an admin", line: "reelsync dead-letters retry $letter --request" },
  ],
  async run({ args: { id: ids }, options }, context) {
    if (options.all === ids.length > 0) throw new UsageError("Either ids or --all says which letters", HELP);
    if (!options.request) return withReelsync(context, (reelsync) => replay(reelsync, ids, context));
    if (options.all) throw new UsageError("--request takes ids, not --all", HELP);
    return request(ids, options, context);
  },
});

/** No ids: all of this machine's. */
async function replay(reelsync: Reelsync, given: readonly string[], context: Context): Promise<ExitCode> {
  const { output, signal } = context;
  const ids = given.length > 0 ? given : await ownParked(reelsync, context);
  if (ids.length === 0) {
    output.say("nothing to retry");
    return EXIT.nothingToDo;
  }
  const codes: ExitCode[] = [];
  for (const id of ids) {
    if (signal.aborted) return EXIT.interrupted;
    output.say(`retrying ${id}`);
    try {
      const result = await reelsync.deadLetters.replay(id, { signal });
      output.give(
        { id, ...result },
        [id, result.state, `v${result.version}`, result.assetId, result.s3Key].join("  "),
      );
      codes.push(EXIT.ok);
    } catch (error) {
      if (ids.length === 1) throw error;
      codes.push(exitCodeOf(error));
      if (output.json) output.give({ id, error: describe(error) }, "");
      else output.fail(error);
    }
  }
  return commonExitCode(codes);
}

async function ownParked(reelsync: Reelsync, { env, output }: Context): Promise<string[]> {
  const own = agentSettings(env).agentName ?? hostname();
  const letters = await reelsync.deadLetters.list();
  const parked = letters.filter(({ state }) => state === "parked");
  const replaying = letters.filter(({ state, agent }) => state === "replaying" && agent === own);
  for (const { id, replayingUntil: until } of replaying) {
    const end = until === undefined ? "" : `, until ${date(until)} at the latest`;
    output.say(`${id} left out: it is being replayed${end}`);
  }
  const elsewhere = parked.filter(({ agent, filePath }) => agent !== own || filePath === undefined);
  if (elsewhere.length > 0) {
    output.say(`${plural(elsewhere.length, "letter")} left out: the files are not on this machine`);
  }
  return parked.filter((letter) => !elsewhere.includes(letter)).map(({ id }) => id);
}

async function request(
  ids: readonly string[],
  options: { tenant: string | undefined },
  context: Context,
): Promise<ExitCode> {
  const connection = connectAsPerson(context);
  try {
    for (const id of ids) {
      const { deadLetterId, agent } = await findDelivered(connection, context, id, options);
      await connection.run("mutation", api.deadLetters.requestReplay, { deadLetterId });
      context.output.give(
        { id, deadLetterId, agent, state: "replay_requested" },
        `${id}  asked of ${plain(agent)}`,
      );
    }
    return EXIT.ok;
  } finally {
    connection.close();
  }
}

export const deadLettersDiscard = defineCommand({
  path: ["dead-letters", "discard"],
  summary: "Give a dead letter up for good, as an admin",
  details:
    "Needs REELSYNC_TOKEN. The letter stays listed as discarded, with the reason and who did it. It cannot be retried any more.",
  args: { id: { summary: "The upload's id, or Convex's id of the letter" } },
  options: {
    reason: { kind: "text", required: true, summary: "Why, for those who look later" },
    yes: { kind: "flag", summary: "Do not ask" },
    ...tenantOption,
  },
  examples: [
    {
      does: "it was rendered anew",
      line: 'reelsync dead-letters discard $letter --reason "rendered anew" --yes',
    },
  ],
  async run({ args: { id }, options }, context) {
    const connection = connectAsPerson(context);
    try {
      const { deadLetterId, intent, code } = await findDelivered(connection, context, id, options);
      const question = `Discard ${plain(intent.fileName)} (${code})? It cannot be retried any more.`;
      if (!(await context.confirm(question, options.yes))) return EXIT.declined;
      await connection.run("mutation", api.deadLetters.discard, { deadLetterId, reason: options.reason });
      context.output.give(
        { id: intent.uploadId, deadLetterId, state: "discarded" },
        `${intent.uploadId}  discarded`,
      );
      return EXIT.ok;
    } finally {
      connection.close();
    }
  },
});
