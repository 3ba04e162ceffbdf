/** `reelsync combine`: a session's scenes as one video with one file of subtitles. */
import { withReelsync } from "../agent.ts";
import { defineCommand } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { clock, plural, size } from "../quantities.ts";

export const combine = defineCommand({
  path: ["combine"],
  summary: "Join a session's scenes into one video, and their subtitles into one file",
  details:
    "Stores them as the session's combined_video and combined_subtitle, and prints type, asset id, state, version, size and key of each. Needs ffmpeg and " +
    "ffprobe on the PATH. Videos that agree in codec, size, rate and sound are copied as they are; otherwise all are encoded anew. With --json one document: " +
    "`video`, `subtitle`, `durationMs`, `scenes`, `gaps`, `reencoded`.",
  args: { sessionId: { placeholder: "session-id", summary: "The session" } },
  options: {
    "allow-gaps": { kind: "flag", summary: "Combine what there is, although scenes are missing or failed" },
  },
  examples: [
    { does: "the whole reel", line: "reelsync combine $session" },
    { does: "what there is of it", line: "reelsync combine $session --allow-gaps" },
  ],
  async run({ args: { sessionId }, options }, context) {
    const { output, signal, timeoutMs } = context;
    return withReelsync(context, async (reelsync) => {
      const combined = await reelsync
        .combineSession(sessionId, {
          allowGaps: options["allow-gaps"],
          signal,
          ...(timeoutMs !== undefined && { timeoutMs }),
          onProgress({ phase, loaded, total }) {
            const quantity = phase === "combining" ? clock : size;
            const share = total === 0 ? 100 : Math.floor((100 * loaded) / total);
            output.liveTalk.draw([`${phase}  ${share} %  ${quantity(loaded)} of ${quantity(total)}`]);
          },
        })
        .finally(() => output.liveTalk.draw([]));
      for (const gap of combined.gaps) output.say(output.paintTalk("yellow", `not ready: ${gap}`));
      const { video, subtitle, scenes, durationMs, reencoded } = combined;
      const how = reencoded ? "encoded anew, because their streams differ" : "copied as they are";
      output.say(`${plural(scenes.length, "scene")}, ${clock(durationMs)}, ${how}`);
      const lines = [
        ["combined_video", video] as const,
        ...(subtitle === undefined ? [] : [["combined_subtitle", subtitle] as const]),
      ].map(([type, { assetId, state, version, size: bytes, s3Key }]) =>
        [type, assetId, state, `v${version}`, size(bytes), s3Key].join("  "),
      );
      output.give(combined, lines.join("\n"));
      return EXIT.ok;
    });
  },
});
