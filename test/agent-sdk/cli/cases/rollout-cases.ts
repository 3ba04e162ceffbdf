import { dirname } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Workshop } from "../support/workshop.ts";

export function describeRollout(workshop: Workshop) {
  describe("rollout", () => {
    const reset = () => workshop.owner(["rollout", "set", "on-write", "--yes"]);

    test("is shown to agents and admins, changed by admins only, and never without being told so", async () => {
      // The next test counts on it.
      onTestFinished(async () => {
        await reset();
      });
      const [agent, editor, unasked] = await Promise.all([
        workshop.agent(["rollout"]),
        workshop.bare(["rollout", "set", "off", "--yes", "--json"], {
          env: await workshop.personEnv("edgar"),
        }),
        workshop.owner(["rollout", "set", "off", "--json"]),
      ]);
      expect(agent).toMatchObject({ code: 0, stdout: "tenant  on-write    nobody has decided anything\n" });
      expect(editor).toMatchObject({ code: 4, error: { code: "FORBIDDEN" } });
      expect(unasked).toMatchObject({ code: 2, stdout: "" });

      const set = await workshop.owner([
        "rollout",
        "set",
        "shadow",
        "--pin",
        "--reason",
        "try it",
        "--yes",
        "--json",
      ]);
      const expected = {
        stage: "shadow",
        pinned: true,
        from: "on-write",
        reason: "try it",
        automatic: false,
      };
      expect(set).toMatchObject({ code: 0, stderr: "", records: [expected] });
      const shown = await workshop.agent(["rollout", "--json"]);
      expect(shown.records).toMatchObject([expected]);
      const same = await workshop.owner(["rollout", "set", "shadow", "--pin", "--yes"]);
      expect(same).toMatchObject({
        code: 0,
        stderr: expect.stringContaining("nothing was changed") as string,
      });
    });

    test("a project has its own until it inherits again; what is switched off is skipped and no failure", async () => {
      const { sceneId } = await workshop.scene();
      onTestFinished(async () => {
        await workshop.owner(["rollout", "set", "inherit", "--project", "demo", "--yes"]);
      });
      const off = await workshop.owner(["rollout", "set", "off", "--project", "demo", "--yes", "--json"]);
      expect(off.records).toMatchObject([{ stage: "on-write" }, { project: "demo", stage: "off" }]);
      const upload = [
        "upload",
        await workshop.file("a.mp4", "a"),
        "--scene",
        sceneId,
        "--type",
        "video_chunk",
      ];
      expect(await workshop.agent([...upload, "--json"])).toMatchObject({
        code: 0,
        records: [{ state: "skipped" }],
      });
      const inherit = ["rollout", "set", "inherit", "--project", "demo", "--yes", "--json"];
      expect((await workshop.owner(inherit)).records).toHaveLength(1);
      expect(await workshop.agent([...upload, "--json"])).toMatchObject({
        code: 0,
        records: [{ state: "ready" }],
      });
    });

    test("a folder and a manifest that are switched off are counted apart and are no failures", async () => {
      const file = await workshop.file("a.mp4", "a");
      const { sessionId } = await workshop.scene();
      const env = { REELSYNC_ROLLOUT: "off" };
      const sync = ["sync", dirname(file), "--session", sessionId];
      const [text, json, manifest] = await Promise.all([
        workshop.agent(sync, { env }),
        workshop.agent([...sync, "--json"], { env }),
        workshop.agent(["manifest", sessionId, "--write", "--json"], { env }),
      ]);
      expect(text).toMatchObject({
        code: 0,
        stdout: "a  video_chunk  0  skipped (the rollout is off)  1 B  a.mp4\n",
        stderr: `session ${sessionId}: 0 sent, 0 known already, 0 failed, 0 skipped, 1 switched off\n`,
      });
      expect(json).toMatchObject({
        code: 0,
        stderr: "",
        records: [{ sessionId, relative: "a.mp4", state: "skipped" }],
      });
      expect(manifest).toMatchObject({ code: 0, stderr: "", records: [{ state: "skipped" }] });
    });

    test("[G7] only a project can inherit, which is said before anybody is asked", async () => {
      const run = await workshop.owner(["rollout", "set", "inherit", "--yes", "--json"]);
      expect(run).toMatchObject({ code: 2, stdout: "", error: { code: "USAGE" } });
      expect(run.error.message).toContain("--project");
    });

    test("[G7] an unknown project or stage is named, and changes nothing", async () => {
      const [project, stage, help] = await Promise.all([
        workshop.owner(["rollout", "set", "off", "--project", "typo", "--yes", "--json"]),
        workshop.owner(["rollout", "set", "half", "--yes"]),
        workshop.bare(["rollout", "--help"], { env: {} }),
      ]);
      expect(project).toMatchObject({ code: 3, error: { code: "NOT_FOUND" } });
      expect(stage).toMatchObject({ code: 2, stdout: "" });
      expect(help.stdout).toMatch(/rollout set/);
      expect(help.stdout).toContain("--tenant");
    });
  });
}
