import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { createReelsync } from "reelsync";
import { describe, expect, onTestFinished, test } from "vitest";
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

  describe("demo", () => {
    test.runIf(canFilm)(
      `draws and records each scene with its four files${canFilm ? "" : " (skipped: ffmpeg is not installed)"}`,
      async () => {
        const ran = await workshop.agent(["demo", "--scenes", "2", "--json"]);
        expect(ran).toMatchObject({ code: 0 });
        expect(ran.records).toMatchObject([{ title: "Test card" }, { title: "Mandelbrot" }]);
        for (const record of ran.records) {
          expect(record["assets"]).toMatchObject(
            Array.from({ length: 4 }, () => ({ state: "ready", version: 1 })),
          );
        }
        const status = await workshop.agent(["status", String(ran.records[0]?.["sessionId"]), "--json"]);
        expect(status.stdout).toContain('"status":"ended"');
      },
    );

    test("[G7] without ffmpeg exits 2 and creates nothing", async () => {
      const before = await workshop.rows("sessions");
      const refused = await workshop.agent(["demo", "--json"], { env: { PATH: "/nonexistent" } });
      expect(refused).toMatchObject({ code: 2, error: { code: "FFMPEG_MISSING" } });
      expect(await workshop.rows("sessions")).toEqual(before);
    });
  });

  describe("temp clean", () => {
    test("[G5] lists what is old, and removes it only when told to", async () => {
      const reelsync = createReelsync({ env: workshop.agentEnv, mode: "strict" });
      onTestFinished(() => reelsync.close());
      const prefix = "lessons/";
      const keys = ["1/partial_movie_files/a.mp4", "2/temp/b.mp4", "attempt/c.mp4", "final.mp4"];
      for (const key of keys) await reelsync.storage.save(prefix + key, Buffer.from(key));
      const stored = async () => {
        const found = [];
        for await (const { key } of reelsync.storage.listFiles(prefix)) found.push(key.slice(prefix.length));
        return found;
      };
      const clean = (...args: string[]) =>
        workshop.agent(["temp", "clean", "--prefix", prefix, "--older-than", "0", ...args]);

      const young = await workshop.agent(["temp", "clean", "--prefix", prefix]);
      const nothing = `nothing temporary is that old in ${prefix}\n`;
      expect(young).toMatchObject({ code: 0, stdout: "", stderr: nothing });
      const root = await workshop.agent(["temp", "clean", "--tenant", "studio"]);
      expect(root.stderr).toMatch(
        /^nothing temporary is that old in temp\/, partial_movie_files\/, t\/studio\/temp\/; --tenant SLUG .*--prefix PREFIX/,
      );
      const listed = await clean("--json");
      expect(listed).toMatchObject({ code: 0, stderr: "" });
      expect(listed.records).toMatchObject([
        { s3Key: `${prefix}${keys[0]}`, action: "delete", done: false },
        { s3Key: `${prefix}${keys[1]}`, action: "delete", done: false },
      ]);
      expect((await clean("--apply")).code).toBe(2);
      expect(await stored()).toEqual(keys);

      const removed = await clean("--apply", "--yes", "--json");
      expect(removed.code).toBe(0);
      expect(removed.records).toMatchObject([{ done: true }, { done: true }]);
      expect(await stored()).toEqual(["attempt/c.mp4", "final.mp4"]);
      expect((await clean("--apply", "--yes")).code).toBe(9);
    });

    test("looks in the folder of S3_TEMP_PREFIX too, below the prefix of all keys", async () => {
      const reelsync = createReelsync({ env: workshop.agentEnv, mode: "strict" });
      onTestFinished(() => reelsync.close());
      for (const key of ["films/scratch/a.mp4", "films/other/scratch/b.mp4", "films/scratchpad/c.mp4"]) {
        await reelsync.storage.save(key, Buffer.from(key));
      }
      const env = { S3_VIDEO_PREFIX: "films", S3_TEMP_PREFIX: "scratch" };
      const listed = await workshop.agent(["temp", "clean", "--older-than", "0", "--json"], { env });
      expect(listed.records).toMatchObject([{ s3Key: "films/scratch/a.mp4", action: "delete" }]);
    });

    test("[G5] what a current record needs is kept, and its history goes to quarantine", async () => {
      // Makes every key of the product one of a temporary folder; by its older name, which the deployment reads too.
      await workshop.stack.setEnv({ S3_VIDEO_PREFIX: "x/temp" });
      const { sceneId } = await workshop.scene();
      for (const content of ["first", "second"]) {
        const file = await workshop.file("a.mp4", content);
        await workshop.agent(["upload", file, "--scene", sceneId, "--type", "video_chunk"]);
      }
      await workshop.stack.setEnv({ S3_VIDEO_PREFIX: null });
      const clean = ["temp", "clean", "--prefix", "x/", "--older-than", "0", "--apply", "--yes", "--json"];
      const cleaned = await workshop.agent(clean);
      expect(cleaned.code).toBe(0);
      expect(cleaned.records.map(({ action, why }) => [action, why]).sort()).toEqual([
        ["keep", "It is the current version 2."],
        ["queue", undefined],
      ]);
      const rows = (await workshop.rows("assets")).filter(({ entityId }) => entityId === sceneId);
      expect(rows.map(({ status }) => status).sort()).toEqual(["deleted", "ready"]);
    });
  });
}
