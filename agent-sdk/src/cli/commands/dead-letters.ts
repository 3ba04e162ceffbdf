/** `reelsync dead-letters list` and `show`: what was given up on, and why. Acting on it is in `dead-letters-settle.ts`. */
import { deadLetterStateSchema, type DeadLetterState } from "../../../../contract/dead-letter.ts";
import { plain, columns } from "../columns.ts";
import { connect } from "../connection.ts";
import { defineCommand } from "../command.ts";
import { EXIT, UsageError } from "../exit-code.ts";
import { findLetter, letters, type Letter } from "../letters.ts";
import { date, plural, size } from "../quantities.ts";

export const tenantOption = {
  tenant: { kind: "text", placeholder: "ID", summary: "The tenant, for a person who is in several" },
} as const;

/** In which somebody or something is still to act. */
const OPEN: readonly DeadLetterState[] = ["parked", "replay_requested", "replaying"];

export const deadLettersList = defineCommand({
  path: ["dead-letters", "list"],
  summary: "List uploads that were given up on and are not settled yet",
  details:
    "Upload id, state, error, step, attempts, date, agent and file of each, newest first: those of this machine that Convex could not be told of yet, those that are " +
    "parked, those whose replay was asked for, and those that are being replayed. With --all every letter, the resolved and discarded ones too. With --json one document a line.",
  args: {},
  options: {
    state: {
      kind: "text",
      placeholder: "STATE",
      choices: deadLetterStateSchema.options,
      summary: "Only those in this state",
    },
    all: { kind: "flag", summary: "Resolved and discarded ones, too" },
    ...tenantOption,
  },
  examples: [
    { does: "what needs somebody", line: "reelsync dead-letters list" },
    { does: "ids of all, for a script", line: "reelsync dead-letters list --all --json | jq -r .id" },
  ],
  async run({ options }, context) {
    const { output } = context;
    const { all, state, tenant } = options;
    if (all && state !== undefined) {
      throw new UsageError(
        "--all and --state exclude each other",
        "reelsync dead-letters list --help shows how.",
      );
    }
    const states = all ? [undefined] : state === undefined ? OPEN : [state];
    const connection = connect(context);
    let count = 0;
    try {
      for (const one of states) {
        for await (const letter of letters(connection, context, { state: one, tenant })) {
          count += 1;
          output.give(letter, line(letter));
        }
      }
      const which = state === undefined && !all ? "open dead letter" : "dead letter";
      output.say(count === 0 ? `no ${which}s` : plural(count, which));
      return EXIT.ok;
    } finally {
      connection.close();
    }
  },
});

function line(letter: Letter): string {
  return [
    letter.id,
    letter.deadLetterId === undefined ? "on this machine" : letter.state,
    letter.code,
    letter.step,
    plural(letter.attempts, "attempt"),
    letter.createdAt === undefined ? "-" : date(letter.createdAt),
    plain(letter.agent),
    plain(letter.filePath ?? letter.intent.fileName),
  ].join("  ");
}

export const deadLettersShow = defineCommand({
  path: ["dead-letters", "show"],
  summary: "Show everything that is known of one dead letter",
  args: { id: { summary: "The upload's id, or Convex's id of the letter" } },
  options: tenantOption,
  examples: [{ does: "why was it given up on", line: "reelsync dead-letters show $letter" }],
  async run({ args: { id }, options }, context) {
    const connection = connect(context);
    try {
      const letter = await findLetter(connection, context, id, options);
      context.output.give(letter, columns(facts(letter)).join("\n"));
      return EXIT.ok;
    } finally {
      connection.close();
    }
  },
});

function facts(letter: Letter): string[][] {
  const { intent, state, code, message, step, attempts, agent, filePath } = letter;
  const rows: [string, string | undefined][] = [
    ["upload", letter.id],
    ["correlation", intent.correlationId],
    ["letter", letter.deadLetterId ?? "on this machine, not told to Convex yet"],
    ["state", letter.reason === undefined ? state : `${state}: ${letter.reason}`],
    [
      "replaying",
      letter.replayingUntil === undefined ? undefined : `until ${date(letter.replayingUntil)} at the latest`,
    ],
    ["error", `${code} at ${step}, after ${plural(attempts, "attempt")}`],
    ["message", message],
    ["agent", agent],
    ["file", filePath ?? "not kept"],
    [
      "what",
      `${intent.fileName}, ${intent.assetType} ${intent.chunkIndex}, ${intent.contentType}, ${size(intent.size)}`,
    ],
    ["sha256", intent.sha256],
    ["belongs to", `${intent.entityType} ${intent.entityId}`],
    ["session", letter.sessionTitle],
    ["scene", letter.sceneTitle],
    ["since", letter.createdAt === undefined ? undefined : date(letter.createdAt)],
    ["changed", letter.updatedAt === undefined ? undefined : date(letter.updatedAt)],
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, plain(value)]]));
}
