import { createHash, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Workshop } from "../support/workshop.ts";

export function describeReel(workshop: Workshop) {
  describe("session and scene", () => {
    test("[G3] creating and upserting print an id, and say when it was there already", async () => {
      const create = ["session", "create", "--project", "demo", "--title", "My reel", "--key", "cli-1"];
      const first = await workshop.agent(create);
      expect(first).toMatchObject({ code: 0, stderr: "" });
      const sessionId = first.stdout.trim();
      const again = await workshop.agent(create);
      expect(again).toMatchObject({ code: 0, stdout: first.stdout, stderr: "the session exists already\n" });

      const upsert = [
        "scene",
        "upsert",
        "--session",
        sessionId,
        "--key",
        "intro",
        "--index",
        "0",
        "--title",
        "Intro",
      ];
      const scene = await workshop.agent([
        ...upsert,
        "--status",
        "rendering",
        "--planned-ms",
        "4000",
        "--json",
      ]);
      expect(scene.records).toEqual([{ sceneId: expect.any(String) as string, created: true }]);
      expect((await workshop.agent([...upsert, "--json"])).records).toMatchObject([{ created: false }]);

      const end = await workshop.agent([
        "session",
        "end",
        sessionId,
        "--failed",
        "--message",
        "out of memory",
        "--json",
      ]);
      expect(end.records).toEqual([{ sessionId, outcome: "failed" }]);
      const late = await workshop.agent(upsert.map((word) => (word === "intro" ? "outro" : word)));
      expect(late).toMatchObject({ code: 6, stdout: "" });
      expect(late.stderr).toContain("error SESSION_ENDED");
    });

    test("[G7] what the deployment refuses as an argument exits 2, an unknown session 3", async () => {
      const odd = ["session", "create", "--project", "No Slug", "--title", "x", "--key", "k", "--json"];
      const unknown = ["session", "end", "nowhere", "--json"];
      const [bad, gone] = await Promise.all([workshop.agent(odd), workshop.agent(unknown)]);
      expect(bad).toMatchObject({ code: 2, error: { code: "INVALID_ARGUMENT" } });
      expect(gone).toMatchObject({ code: 3, error: { code: "SESSION_NOT_FOUND" } });
    });

    test("a person with the role may do it too, by token; a viewer may not", async () => {
      const create = ["session", "create", "--project", "demo", "--title", "x", "--key", "by-hand", "--json"];
      const editor = await workshop.agent(create, {
        env: { ...(await workshop.personEnv("edgar")), REELSYNC_AGENT_KEY: "" },
      });
      expect(editor).toMatchObject({ code: 0, records: [{ created: true }] });
      const viewer = await workshop.agent(create, {
        env: { ...(await workshop.personEnv("vera")), REELSYNC_AGENT_KEY: "" },
      });
      expect(viewer).toMatchObject({ code: 4, error: { code: "FORBIDDEN" } });
      const nobody = await workshop.agent(create, { env: { REELSYNC_AGENT_KEY: "" } });
      expect(nobody).toMatchObject({ code: 4, error: { code: "UNAUTHENTICATED" } });
    });
  });

  describe("status, ls and presign", () => {
    test("ls shows what no timeline does, and older versions with --history", async () => {
      const { sessionId, sceneId } = await workshop.scene();
      const upload = async (place: string[], type: string, name: string, bytes: string) => {
        const file = await workshop.file(name, bytes);
        expect(await workshop.agent(["upload", file, ...place, "--type", type])).toMatchObject({ code: 0 });
      };
      await upload(["--scene", sceneId], "transcript", "said.txt", "first take");
      await upload(["--scene", sceneId], "transcript", "said.txt", "second take");
      await upload(["--session", sessionId], "other", "notes.txt", "a note");
      const list = async (...more: string[]) =>
        (await workshop.agent(["ls", sessionId, "--json", ...more])).records.map(
          ({ sceneKey, assetType, version, status }) => [sceneKey, assetType, version, status],
        );
      const current = [
        [undefined, "other", 1, "ready"],
        ["intro", "transcript", 2, "ready"],
      ];
      expect(await list()).toEqual(current);
      const whole = await list("--history");
      expect(whole).toHaveLength(3);
      expect(whole).toEqual(expect.arrayContaining([...current, ["intro", "transcript", 1, "superseded"]]));
    });

    test("show a session, its assets, and URLs that give back the bytes", async () => {
      const { sessionId, sceneId } = await workshop.scene();
      const bytes = randomBytes(2048);
      const file = await workshop.file("part.mp4", bytes);
      const uploaded = await workshop.agent([
        "upload",
        file,
        "--scene",
        sceneId,
        "--type",
        "video_chunk",
        "--correlation-id",
        "job-17",
        "--json",
      ]);
      const { assetId, s3Key } = uploaded.records[0] as { assetId: string; s3Key: string };

      const [status, statusJson, sessions, assets, assetsJson, url, mixed] = await Promise.all([
        workshop.agent(["status", sessionId]),
        workshop.agent(["status", sessionId, "--json"]),
        workshop.agent(["ls", "--limit", "1", "--json"]),
        workshop.agent(["ls", sessionId]),
        workshop.agent(["ls", sessionId, "--json"]),
        workshop.agent(["presign", assetId, "--download"]),
        workshop.agent(["presign", "nothing", assetId, "--json"]),
      ]);
      expect(status).toMatchObject({ code: 0, stderr: "" });
      expect(status.stdout).toBe(
        `Reel  live  1 of 1 scene ready, 2.0 KiB\n    0  ready  Intro  ${sceneId}  v1  1 chunk, 2.0 KiB\n`,
      );
      expect(statusJson.records).toMatchObject([
        {
          sessionId,
          status: "live",
          scenes: [{ sceneId, status: "ready", chunks: [{ assetId, correlationId: "job-17" }] }],
        },
      ]);
      expect(sessions.records).toMatchObject([{ sessionId, readyCount: 1, sceneCount: 1, status: "live" }]);
      expect(assets.stdout).toBe(`${assetId}  intro  video_chunk  0  v1  2.0 KiB  ${s3Key}\n`);
      expect(assetsJson.records).toMatchObject([
        { assetId, sceneKey: "intro", s3Key, status: "ready", correlationId: "job-17" },
      ]);

      expect(url.stderr).toMatch(/^good until \d{4}-/);
      const answer = await fetch(url.stdout.trim());
      expect(answer.headers.get("content-disposition")).toContain("part.mp4");
      const hash = createHash("sha256").update(new Uint8Array(await answer.arrayBuffer()));
      expect(hash.digest("hex")).toBe(uploaded.records[0]?.["sha256"]);
      // What is known is printed, what is not is an error.
      expect(mixed).toMatchObject({ code: 3, records: [{ assetId }], error: { code: "NOT_FOUND" } });
    });

    test("[G6] a session of nobody's is not found, in the same words as another tenant's", async () => {
      for (const command of ["status", "ls"]) {
        const run = await workshop.agent([command, "nowhere", "--json"]);
        expect(run).toMatchObject({ code: 3, stdout: "", error: { code: "SESSION_NOT_FOUND" } });
      }
    });

    test("[G4] --watch gives every change as one document, until the session ends", async () => {
      const { sessionId, sceneId } = await workshop.scene();
      const file = await workshop.file("part.mp4", randomBytes(10));
      let seen = 0;
      const watched = await workshop.agent(["status", sessionId, "--watch", "--json"], {
        during: (child) =>
          child.stdout.on("data", () => {
            seen += 1;
            if (seen === 1) {
              void workshop
                .agent(["upload", file, "--scene", sceneId, "--type", "video_chunk"])
                .then(() => workshop.agent(["session", "end", sessionId]));
            }
          }),
      });
      expect(watched).toMatchObject({ code: 0, stderr: "" });
      const states = watched.records as { status: string; scenes: { status: string }[] }[];
      expect(states[0]).toMatchObject({ status: "live", scenes: [{ status: "planned" }] });
      expect(states.some(({ status, scenes }) => status === "live" && scenes[0]?.status === "ready")).toBe(
        true,
      );
      expect(states.at(-1)).toMatchObject({ status: "ended", scenes: [{ status: "ready" }] });
    });

    test("--watch is left with Ctrl-C and exits 130", async () => {
      const { sessionId } = await workshop.scene();
      const watched = await workshop.agent(["status", sessionId, "--watch"], {
        during: (child) => child.stdout.once("data", () => child.kill("SIGINT")),
      });
      expect(watched.code).toBe(130);
      expect(watched.stdout).toContain("Reel  live");
    });
  });
}
