/** `reelsync scene upsert`. */
import { api } from "../../../../convex/_generated/api.js";
import { connect } from "../connection.ts";
import { defineCommand } from "../command.ts";
import { EXIT } from "../exit-code.ts";

export const sceneUpsert = defineCommand({
  path: ["scene", "upsert"],
  summary: "Create a scene, or change the one with this session and key",
  details: "Prints the scene's id. With --json: `sceneId`, and `created`, false when it existed.",
  args: {},
  options: {
    session: { kind: "text", placeholder: "ID", required: true, summary: "The session it belongs to" },
    key: { kind: "text", required: true, summary: "Your own name for the scene, unique in the session" },
    index: { kind: "count", required: true, summary: "Its place in the reel, from 0" },
    title: { kind: "text", required: true, summary: "What people see" },
    status: {
      kind: "text",
      placeholder: "STATUS",
      choices: ["planned", "rendering", "failed"],
      summary: "How far it is; ready follows from its files",
    },
    "planned-ms": { kind: "count", placeholder: "MS", summary: "Expected length" },
    message: { kind: "text", summary: "Why it failed" },
  },
  examples: [
    {
      does: "keep its id for the uploads",
      line: "scene=$(reelsync scene upsert --session $session --key intro --index 0 --title Intro)",
    },
    {
      does: "show viewers that it is being made",
      line: "reelsync scene upsert --session $session --key intro --index 0 --title Intro --status rendering",
    },
  ],
  async run({ options }, context) {
    const connection = connect(context);
    try {
      const upserted = await connection.run("mutation", api.scenes.upsert, {
        sessionId: options.session,
        sceneKey: options.key,
        index: options.index,
        title: options.title,
        ...(options.status !== undefined && { status: options.status }),
        ...(options["planned-ms"] !== undefined && { plannedDurationMs: options["planned-ms"] }),
        ...(options.message !== undefined && { errorMessage: options.message }),
      });
      context.output.give(upserted, upserted.sceneId);
      return EXIT.ok;
    } finally {
      connection.close();
    }
  },
});
