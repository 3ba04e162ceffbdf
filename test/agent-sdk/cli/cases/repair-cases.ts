import { randomBytes } from "node:crypto";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { describe, expect, onTestFinished, test } from "vitest";
import { BUCKET } from "../../../../demo/stack.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import type { Workshop } from "../support/workshop.ts";

export function describeRepair(workshop: Workshop) {
  /** An upload that S3 would not take: parked, with its file still there. */
  async function park(env: Record<string, string> = {}) {
    const { sceneId } = await workshop.scene();
    const proxy = await startFaultProxy(workshop.stack.local.objectStore.endpoint);
    proxy.spoil = ({ method }) => (method === "PUT" ? { status: 403 } : undefined);
    const file = await workshop.file("lost.mp4", randomBytes(100));
    const run = await workshop.agent(
      ["upload", file, "--scene", sceneId, "--type", "video_chunk", "--correlation-id", "job-18", "--json"],
      {
        env: { S3_ENDPOINT_URL: proxy.url, S3_MAX_ATTEMPTS: "1", ...env },
      },
    );
    return { run, file, sceneId, id: (run.error["deadLetter"] as { id: string }).id };
  }

  describe("dead-letters", () => {
    test("[G1] a failed upload names its letter, which can be listed, shown, and retried once", async () => {
      const { run, file, id } = await park();
      expect(run).toMatchObject({
        code: 4,
        stdout: "",
        error: { code: "S3_ACCESS_DENIED", deadLetter: { delivered: true } },
      });

      const [list, shown, text] = await Promise.all([
        workshop.agent(["dead-letters", "list", "--state", "parked", "--json"]),
        workshop.agent(["dead-letters", "show", id, "--json"]),
        workshop.agent(["dead-letters", "show", id]),
      ]);
      const letter = { id, state: "parked", code: "S3_ACCESS_DENIED", step: "upload", filePath: file };
      expect(list.records).toContainEqual(expect.objectContaining(letter));
      expect(shown.records).toMatchObject([{ ...letter, sceneTitle: "Intro", sessionTitle: "Reel" }]);
      expect(shown.records).toMatchObject([{ intent: { correlationId: "job-18" } }]);
      expect(text.stdout).toMatch(/^correlation +job-18$/m);
      expect(text.stdout).toMatch(/^error +S3_ACCESS_DENIED at upload, after 1 attempt$/m);

      const retried = await workshop.agent(["dead-letters", "retry", id, "--json"]);
      expect(retried).toMatchObject({ code: 0, records: [{ id, state: "ready", version: 1 }] });
      const again = await workshop.agent(["dead-letters", "retry", id, "--json"]);
      const settled = "Nothing is left to do: its upload is recorded.";
      expect(again).toMatchObject({ code: 6, error: { code: "CONFLICT", hint: settled } });
      const asked = await workshop.owner(["dead-letters", "retry", id, "--request", "--json"]);
      expect(asked).toMatchObject({
        code: 6,
        error: { code: "CONFLICT", hint: "Nothing is left to do for it." },
      });

      const [open, all, both] = await Promise.all([
        workshop.agent(["dead-letters", "list", "--json"]),
        workshop.agent(["dead-letters", "list", "--all", "--json"]),
        workshop.agent(["dead-letters", "list", "--all", "--state", "parked", "--json"]),
      ]);
      expect(open.records).not.toContainEqual(expect.objectContaining({ id }));
      expect(all.records).toContainEqual(expect.objectContaining({ id, state: "resolved" }));
      expect(both).toMatchObject({ code: 2, error: { code: "USAGE" } });
    });

    test("--all retries what this machine holds, then there is nothing to do", async () => {
      const { id } = await park({ REELSYNC_AGENT_NAME: "this-machine" });
      await park({ REELSYNC_AGENT_NAME: "another-machine" });
      const env = { REELSYNC_AGENT_NAME: "this-machine" };
      const all = await workshop.agent(["dead-letters", "retry", "--all"], { env });
      expect(all).toMatchObject({ code: 0 });
      expect(all.stdout).toMatch(new RegExp(`^${id}  ready  v1`));
      expect(all.stderr).toContain("the files are not on this machine");
      expect(await workshop.agent(["dead-letters", "retry", "--all", "--json"], { env })).toMatchObject({
        code: 9,
        stdout: "",
      });
    });

    test("an admin asks the agent to retry, or discards; without --yes and a terminal it is refused", async () => {
      const { id } = await park();
      const asked = await workshop.owner(["dead-letters", "retry", id, "--request", "--json"]);
      expect(asked).toMatchObject({ code: 0, records: [{ id, state: "replay_requested" }] });

      const discard = ["dead-letters", "discard", id, "--reason", "rendered anew", "--json"];
      expect(await workshop.owner(discard)).toMatchObject({ code: 2, stdout: "", error: { code: "USAGE" } });
      expect((await workshop.owner(["dead-letters", "show", id, "--json"])).records).toMatchObject([
        { state: "replay_requested" },
      ]);
      expect(await workshop.owner([...discard, "--yes"])).toMatchObject({
        code: 0,
        records: [{ id, state: "discarded" }],
      });
      expect((await workshop.owner(["dead-letters", "show", id, "--json"])).records).toMatchObject([
        { state: "discarded", reason: "rendered anew" },
      ]);
    });

    test("[G7] an unknown letter exits 3, an agent that would discard 4", async () => {
      expect(await workshop.agent(["dead-letters", "show", "nothing", "--json"])).toMatchObject({ code: 3 });
      const run = await workshop.agent(["dead-letters", "discard", "x", "--reason", "y", "--yes", "--json"]);
      expect(run).toMatchObject({ code: 4, error: { code: "UNAUTHENTICATED" } });
    });

    test("[G1] what Convex could not be told of is listed first, even while Convex cannot be asked", async () => {
      const { sceneId } = await workshop.scene();
      const proxy = await startFaultProxy(workshop.stack.local.deployment.url);
      const site = await startFaultProxy(workshop.stack.local.deployment.siteUrl);
      const store = await startFaultProxy(workshop.stack.local.objectStore.endpoint);
      // Everything goes away as soon as the upload has begun.
      store.spoil = ({ method }) => {
        if (method !== "PUT") return undefined;
        proxy.spoil = site.spoil = () => ({ status: 403 });
        return { status: 403 };
      };
      const env = {
        CONVEX_URL: proxy.url,
        CONVEX_SITE_URL: site.url,
        S3_ENDPOINT_URL: store.url,
        REELSYNC_DEAD_LETTER_DIR: `${workshop.directory}/untold`,
      };
      const file = await workshop.file("untold.mp4", randomBytes(10));
      const run = await workshop.agent(
        ["upload", file, "--scene", sceneId, "--type", "video_chunk", "--json"],
        { env },
      );
      expect(run.error).toMatchObject({ code: "S3_ACCESS_DENIED", deadLetter: { delivered: false } });
      const listed = await workshop.agent(["dead-letters", "list", "--json"], { env });
      expect(listed).toMatchObject({ code: 4, records: [{ state: "parked", filePath: file }] });
      expect(listed.records[0]).not.toHaveProperty("deadLetterId");
    });
  });

  describe("reconcile", () => {
    async function stray(name: string) {
      const { endpoint, credentials } = workshop.stack.local.objectStore;
      const client = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
      onTestFinished(() => client.destroy());
      const Key = `t/studio/perm/demo/nobody/_session/other/${name}`;
      await client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: "stray" }));
      return Key;
    }

    test("reports by default and changes nothing; findings one a line, then the run", async () => {
      const key = await stray("report.txt");
      const run = await workshop.owner(["reconcile", "--grace-hours", "0", "--json"]);
      expect(run).toMatchObject({ code: 0, stderr: "" });
      expect(run.records).toContainEqual(
        expect.objectContaining({ kind: "object_without_record", s3Key: key, state: "open", objectSize: 5 }),
      );
      expect(run.records.at(-1)).toMatchObject({
        run: { status: "reported", objectsSeen: expect.any(Number) as number },
      });
      const again = await workshop.owner([
        "reconcile",
        "--grace-hours",
        "0",
        "--kind",
        "object_without_record",
      ]);
      expect(again.stdout).toContain(key);
      expect(again.stderr).toMatch(/\d+ objects and \d+ records? compared: \d+ finding/);
    });

    test("[G5] --apply repairs with --yes only, and then there is nothing to do", async () => {
      const key = await stray("apply.txt");
      const apply = [
        "reconcile",
        "--grace-hours",
        "0",
        "--kind",
        "object_without_record",
        "--apply",
        "--json",
      ];
      expect(await workshop.owner(apply)).toMatchObject({ code: 2, stdout: "", error: { code: "USAGE" } });
      const applied = await workshop.owner([...apply, "--yes"]);
      expect(applied.code).toBe(0);
      expect(applied.records).toContainEqual(expect.objectContaining({ s3Key: key, state: "applied" }));
      expect(applied.records.at(-1)).toMatchObject({ run: { status: "applied" } });
      expect(await workshop.owner([...apply, "--yes"])).toMatchObject({ code: 9, records: [{ run: {} }] });
    });

    test("[G6] needs a person with the role and a token that is good", async () => {
      const token = await workshop.stack.tokenFor("ada", { ttlSeconds: -60 });
      const runs = await Promise.all([
        workshop.agent(["reconcile", "--json"]),
        workshop.agent(["reconcile", "--json"], { env: await workshop.personEnv("edgar") }),
        workshop.agent(["reconcile", "--json"], { env: { REELSYNC_TOKEN: token } }),
      ]);
      expect(runs.map(({ code, error }) => [code, error.code])).toEqual([
        [4, "UNAUTHENTICATED"],
        [4, "FORBIDDEN"],
        [4, "UNAUTHENTICATED"],
      ]);
      expect(runs[2].error.message).toContain("REELSYNC_TOKEN was refused");
      expect(runs.map(({ error }) => String(error["hint"]))).toEqual([
        "Set REELSYNC_TOKEN to an OIDC id token of yours; an agent key does not cover this.",
        expect.stringContaining("Ask an owner") as string,
        expect.stringContaining("a fresh id token") as string,
      ]);
    });
  });
}
