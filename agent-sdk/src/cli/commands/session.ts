/** `reelsync session create` and `session end`. */
import { api } from "../../../../convex/_generated/api.js";
import { connect } from "../connection.ts";
import { defineCommand } from "../command.ts";
import { EXIT, UsageError } from "../exit-code.ts";

export const sessionCreate = defineCommand({
  path: ["session", "create"],
  summary: "Create a session, or find the one with this project and key",
  details: "Prints the session's id. With --json: `sessionId`, and `created`, false when it existed.",
  args: {},
  options: {
    project: { kind: "text", placeholder: "SLUG", required: true, summary: "Project, created on first use" },
    title: { kind: "text", required: true, summary: "What people see" },
    key: { kind: "text", required: true, summary: "Your own name for the run, unique in the project" },
    "planned-scenes": { kind: "count", summary: "How many scenes there will be" },
    tenant: { kind: "text", placeholder: "ID", summary: "The tenant, for a person who is in several" },
  },
  examples: [
    {
      does: "keep its id for what follows",
      line: 'session=$(reelsync session create --project demo --title "My reel" --key run-1)',
    },
  ],
  async run({ options }, context) {
    const connection = connect(context);
    try {
      const created = await connection.run("mutation", api.sessions.create, {
        project: options.project,
        title: options.title,
        sessionKey: options.key,
        ...(options["planned-scenes"] !== undefined && { plannedSceneCount: options["planned-scenes"] }),
        ...(options.tenant !== undefined && { tenantId: options.tenant }),
      });
      if (!created.created) context.output.say("the session exists already");
      context.output.give(created, created.sessionId);
      return EXIT.ok;
    } finally {
      connection.close();
    }
  },
});

export const sessionEnd = defineCommand({
  path: ["session", "end"],
  summary: "Say that a session has ended",
  details: "The first end stands: ending it again changes nothing.",
  args: { sessionId: { placeholder: "session-id", summary: "The session" } },
  options: {
    failed: { kind: "flag", summary: "It failed" },
    message: { kind: "text", summary: "Why it failed" },
  },
  examples: [
    { does: "all is rendered", line: "reelsync session end $session" },
    { does: "it did not work", line: 'reelsync session end $session --failed --message "out of memory"' },
  ],
  async run({ args: { sessionId }, options }, context) {
    if (options.message !== undefined && !options.failed) {
      throw new UsageError("--message goes with --failed", "reelsync session end --help shows how.");
    }
    const outcome = options.failed ? "failed" : "ended";
    const connection = connect(context);
    try {
      await connection.run("mutation", api.sessions.end, {
        sessionId,
        outcome,
        ...(options.message !== undefined && { errorMessage: options.message }),
      });
      context.output.give({ sessionId, outcome }, sessionId);
      return EXIT.ok;
    } finally {
      connection.close();
    }
  },
});
