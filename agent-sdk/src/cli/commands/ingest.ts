/** `reelsync ingest`: a provider's file, from its URL into a scene or session. */
import { isReelsyncError } from "../../errors.ts";
import { plain } from "../columns.ts";
import { defineCommand } from "../command.ts";
import { DESCRIBING_OPTIONS, describedBy, resultLine } from "../described-upload.ts";
import { EXIT } from "../exit-code.ts";
import { createProgressBars } from "../progress-bars.ts";
import { QUEUE_DETAILS, QUEUE_OPTION, withQueueing } from "../queueing.ts";
import { withoutLogin } from "../../without-login.ts";

export const ingest = defineCommand({
  path: ["ingest"],
  summary: "Store what a provider's URL answers with, and record it in Convex",
  details:
    "Streams the file into the bucket. Only from public http(s) addresses, and hosts named in REELSYNC_INGEST_ALLOW_HOSTS. The record says where it came from, " +
    "without the URL's query. Where the deployment has no bucket nothing is downloaded, and the state is not_stored. " +
    QUEUE_DETAILS,
  args: { url: { summary: "Where the provider has the file" } },
  options: {
    ...DESCRIBING_OPTIONS,
    ...QUEUE_OPTION,
    creative: { kind: "text", summary: "What it was made for, recorded as a fact" },
    iteration: { kind: "text", summary: "In which attempt, recorded as a fact" },
    "max-bytes": { kind: "count", min: 1, summary: "Refuse a larger file, 5 GiB unless given" },
  },
  oneOf: [["scene", "session"]],
  examples: [
    {
      does: "a rendered clip, before its URL expires",
      line: 'reelsync ingest "$url" --scene $scene --type video_chunk --creative summer-sale --iteration 3',
    },
  ],
  async run({ args: { url }, options }, context) {
    const { output } = context;
    const request = {
      ...describedBy(options, context, "reelsync ingest --help shows how."),
      ...(options.creative !== undefined && { creative: options.creative }),
      ...(options.iteration !== undefined && {
        iteration: /^\d+$/.test(options.iteration) ? Number(options.iteration) : options.iteration,
      }),
      ...(options["max-bytes"] !== undefined && { maxBytes: options["max-bytes"] }),
    };
    // What signs the URL stands in its query.
    const shown = withoutLogin(url).replace(/[?#].*$/s, "");
    return withQueueing(context, options.queue, async (reelsync, reasons) => {
      const bars = createProgressBars(output.liveTalk, output.paintTalk);
      const bar = bars.track(options.name ?? shown, 0);
      try {
        const answer = await reelsync.ingestFromUrl(url, { ...request, onProgress: bar.report });
        bar.end();
        if (answer.state === "not_stored") output.give(answer, `${plain(url)}  not stored`);
        else {
          const result = reasons.beside(answer);
          output.give({ ...result, from: shown }, resultLine(shown, result, output.paint));
        }
        return EXIT.ok;
      } catch (error) {
        bar.end();
        if (!isReelsyncError(error) || error.code !== "ROLLOUT_OFF") throw error;
        output.give({ from: shown, state: "skipped" }, `${plain(shown)}  skipped (the rollout is off)`);
        return EXIT.ok;
      } finally {
        bars.close();
      }
    });
  },
});
