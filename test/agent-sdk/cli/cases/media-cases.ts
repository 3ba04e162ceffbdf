import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hasFfmpeg, makeFilm } from "../../media/film.ts";
import type { Workshop } from "../support/workshop.ts";

const canFilm = hasFfmpeg();

export function describeMedia(workshop: Workshop) {
  describe("combine", () => {
    test.runIf(canFilm)(
      `joins a session's scenes and prints what it stored${canFilm ? "" : " (skipped: ffmpeg is not installed)"}`,
      async () => {
        const { sessionId, sceneId } = await workshop.scene();
        const folder = await mkdtemp(join(workshop.directory, "films-"));
        const film = await makeFilm(folder, "red", { colour: "red", seconds: 1 });
        const upload = (...args: string[]) => workshop.agent(["upload", ...args, "--scene", sceneId]);
        await upload(film, "--type", "video_chunk");
        const combined = await workshop.agent(["combine", sessionId, "--json"]);
        expect(combined).toMatchObject({ code: 0, stderr: "" });
        expect(combined.records).toMatchObject([
          { video: { state: "ready", version: 1 }, durationMs: 1_000, gaps: [], reencoded: false },
        ]);
        const again = await workshop.agent(["combine", sessionId]);
        expect(again.stdout).toMatch(
          /^combined_video {2}\S+ {2}ready {2}v1 {2}\S+ KiB {2}\S+combined\.mp4\n$/,
        );
        expect(again.stderr).toBe("1 scene, 0:01, copied as they are\n");
      },
    );

    test("[G7] a session that is not ready exits 6 and says what is missing", async () => {
      const { sessionId } = await workshop.scene();
      const refused = await workshop.agent(["combine", sessionId, "--json"], {
        env: canFilm ? {} : { PATH: "/nonexistent" },
      });
      expect(refused.error.code).toBe(canFilm ? "SCENE_NOT_READY" : "FFMPEG_MISSING");
      expect(refused.code).toBe(canFilm ? 6 : 2);
    });
  });
}
