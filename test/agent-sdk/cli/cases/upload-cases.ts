import type { ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { MIB } from "../../../../contract/limits.ts";
import { BUCKET, TENANT } from "../../../../demo/stack.ts";
import { lookInto } from "../../support/bucket.ts";
import { serves, startProvider } from "../../ingest/provider.ts";
import { type Exchange, startFaultProxy } from "../../support/fault-proxy.ts";
import type { Workshop } from "../support/workshop.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

export function describeUpload(workshop: Workshop) {
  const bucket = () => {
    const { endpoint, credentials } = workshop.stack.local.objectStore;
    return lookInto(endpoint, credentials, BUCKET);
  };
  const chunk = (sceneId: string) => ["--scene", sceneId, "--type", "video_chunk"];

  describe("ingest", () => {
    test("stores what a provider's URL answers with, and prints nothing of what signs it", async () => {
      const { sceneId } = await workshop.scene();
      const bytes = randomBytes(3000);
      const provider = await startProvider({ "/out/clip.mp4": serves(bytes) });
      const url = `http://user:pass@${provider.host}/out/clip.mp4?sig=s3cr3t`;
      const args = ["ingest", url, ...chunk(sceneId), "--creative", "summer", "--iteration", "3"];
      const env = { REELSYNC_INGEST_ALLOW_HOSTS: provider.host };
      const run = await workshop.agent(args, { env });
      expect(run).toMatchObject({ code: 0, stderr: "" });
      expect(run.stdout).toMatch(
        /clip\.mp4 {2}ready {2}v1 {2}2\.9 KiB {2}\S+ {2}t\/studio\/\S+-clip\.mp4\n$/,
      );
      expect(run.stdout).not.toMatch(/pass|s3cr3t/);
      const key = run.stdout.trimEnd().split("  ").at(-1) ?? "";
      expect(await bucket().sha256(key)).toBe(sha256(bytes));
      const [row] = (await workshop.rows("assets")).filter(({ s3Key }) => s3Key === key);
      expect(row).toMatchObject({ metadata: { creative: "summer", iteration: 3 } });
    });

    test("[G7] refuses addresses that are not public", async () => {
      const { sceneId } = await workshop.scene();
      const provider = await startProvider({ "/clip.mp4": serves(randomBytes(10)) });
      const run = await workshop.agent([
        "ingest",
        `${provider.origin}/clip.mp4`,
        ...chunk(sceneId),
        "--json",
      ]);
      expect(run).toMatchObject({ stdout: "", error: { code: "URL_FORBIDDEN" } });
      expect(provider.asked).toEqual([]);
    });
  });

  describe("upload", () => {
    test("stores the bytes and prints one line of data; without a terminal stderr stays empty", async () => {
      const { sceneId } = await workshop.scene();
      const bytes = randomBytes(3000);
      const file = await workshop.file("a.mp4", bytes);
      const run = await workshop.agent(["upload", file, ...chunk(sceneId)]);
      expect(run).toMatchObject({ code: 0, stderr: "" });
      expect(run.stdout).toMatch(/^\S+a\.mp4 {2}ready {2}v1 {2}2\.9 KiB {2}\S+ {2}t\/studio\/\S+-a\.mp4\n$/);
      const key = run.stdout.trimEnd().split("  ").at(-1) ?? "";
      expect(await bucket().sha256(key)).toBe(sha256(bytes));
    });

    test("--json gives one document a file; several files become consecutive chunks; the same content again is known", async () => {
      const { sceneId } = await workshop.scene();
      const files = await Promise.all(
        ["x.mp4", "y.mp4"].map((name) => workshop.file(name, randomBytes(100))),
      );
      const args = ["upload", ...files, ...chunk(sceneId), "--chunk", "3", "--json"];
      const first = await workshop.agent(args);
      expect(first).toMatchObject({ code: 0, stderr: "" });
      const byFile = new Map(first.records.map((record) => [record["file"], record]));
      for (const file of files) {
        expect(byFile.get(file)).toEqual({
          file,
          uploadId: expect.any(String) as string,
          assetId: expect.any(String) as string,
          s3Key: expect.stringMatching(/^t\/studio\//) as string,
          url: expect.stringMatching(/^http/) as string,
          version: 1,
          sha256: sha256(await readFile(file)),
          size: 100,
          deduped: false,
          attempts: 1,
          state: "ready",
        });
      }
      const again = await workshop.agent([...args.slice(0, 2), ...args.slice(3)]);
      expect(again.records).toMatchObject([{ deduped: true, assetId: byFile.get(files[0])?.["assetId"] }]);
    });

    test("--history-only records a version nobody is shown, and status --upload says what became of it", async () => {
      const { sceneId, sessionId } = await workshop.scene();
      const shown = await workshop.file("shown.mp4", randomBytes(100));
      const backstage = await workshop.file("backstage.mp4", randomBytes(100));
      await workshop.agent(["upload", shown, ...chunk(sceneId)]);
      const args = ["upload", backstage, ...chunk(sceneId), "--history-only", "--json"];
      const [record] = (await workshop.agent(args)).records;
      expect(record).toMatchObject({ state: "superseded" });

      const asked = ["status", "--upload", String(record?.["uploadId"])];
      const told = await workshop.agent([...asked, "--json"]);
      expect(told).toMatchObject({ code: 0, stderr: "" });
      expect(told.records).toMatchObject([
        { state: "recorded", asset: { status: "superseded", fileName: "backstage.mp4" } },
      ]);
      expect((await workshop.agent(asked)).stdout).toContain("  recorded  superseded  ");
      // Looking needs nothing of the bucket.
      const { CONVEX_URL, CONVEX_SITE_URL, REELSYNC_AGENT_KEY } = workshop.agentEnv;
      const env = { CONVEX_URL, CONVEX_SITE_URL, REELSYNC_AGENT_KEY } as Record<string, string>;
      expect(await workshop.bare(asked, { env })).toMatchObject({ code: 0, stderr: "" });
      const asViewer = await workshop.bare(asked, { env: await workshop.personEnv("vera") });
      expect(asViewer.stdout).toContain("  recorded  superseded  ");
      expect(await workshop.agent(["status", "--json"])).toMatchObject({ code: 2 });
      expect(await workshop.agent(["status", sessionId, ...asked.slice(1), "--json"])).toMatchObject({
        code: 2,
      });
    });

    test("reads standard input, and records facts as what they look like", async () => {
      const { sceneId } = await workshop.scene();
      const meta = ["seed=42", "draft=true", "version=007", "note=a=b"].flatMap((fact) => ["--meta", fact]);
      const args = [
        "upload",
        "-",
        "--name",
        "s.srt",
        "--scene",
        sceneId,
        "--type",
        "subtitle",
        "--json",
        ...meta,
      ];
      const run = await workshop.agent(args, { input: "1\n00:00 --> 00:01\nHi\n" });
      expect(run).toMatchObject({ code: 0, stderr: "" });
      const row = await workshop.stack.runAsOperator("_system/cli/tableData:default", {
        table: "assets",
        order: "desc",
        paginationOpts: { cursor: null, numItems: 1 },
      });
      expect(row).toMatchObject({
        page: [{ metadata: { seed: 42, draft: true, version: "007", note: "a=b" } }],
      });
    });

    test("[G7] of several files each has its own outcome, and the exit code says that they differ", async () => {
      const { sceneId } = await workshop.scene();
      const empty = await workshop.file("empty.mp4", "");
      const good = await workshop.file("good.mp4", randomBytes(10));
      const run = await workshop.agent(["upload", "absent.mp4", empty, good, ...chunk(sceneId), "--json"]);
      expect(run.code).toBe(1);
      const error = (code: string, exitCode: number) => expect.objectContaining({ code, exitCode }) as object;
      expect(new Map(run.records.map((record) => [record["file"], record]))).toEqual(
        new Map<unknown, unknown>([
          ["absent.mp4", { file: "absent.mp4", error: error("FILE_NOT_FOUND", 3) }],
          [empty, { file: empty, error: error("FILE_EMPTY", 2) }],
          [good, expect.objectContaining({ state: "ready" })],
        ]),
      );
    });

    test("[G7] a refused call says code, fact and fix on stderr, nothing on stdout, and exits by what to do next", async () => {
      const { sceneId } = await workshop.scene();
      const file = await workshop.file("a.mp4", randomBytes(10));
      const missing = await workshop.agent(["upload", file, ...chunk("nowhere")]);
      expect(missing).toMatchObject({ code: 3, stdout: "" });
      expect(missing.stderr).toBe(
        'error SCENE_NOT_FOUND: No scene with id "nowhere" is visible to you.\n' +
          "  fix: Upsert the scene first, and pass the id that call returned.\n",
      );
      const odd = await Promise.all([
        workshop.agent(["upload", file, ...chunk(sceneId), "--json"], {
          env: { REELSYNC_AGENT_KEY: "rsk_no" },
        }),
        workshop.agent(["upload", file, ...chunk(sceneId), "--json"], {
          env: { AWS_SECRET_ACCESS_KEY: "no" },
        }),
        workshop.agent(["upload", file, ...chunk(sceneId), "--json"], { env: { S3_BUCKET: "elsewhere" } }),
        workshop.agent(["upload", file, ...chunk(sceneId), "--json"], {
          env: { S3_BUCKET: "", CONVEX_URL: "" },
        }),
        workshop.agent(["upload", file, "--scene", sceneId, "--type", "manifest", "--json"]),
      ]);
      expect(odd.map(({ code, error, stdout }) => [code, error.code, error.exitCode, stdout])).toEqual([
        [4, "AGENT_KEY_INVALID", 4, ""],
        [4, "S3_CREDENTIALS_INVALID", 4, ""],
        [2, "BUCKET_MISMATCH", 2, ""],
        [2, "CONFIG_INVALID", 2, ""],
        [2, "INVALID_ASSET_TYPE", 2, ""],
      ]);
    });

    test("[G7] what is wrong with the path is told before its content type, and what a flag decides names the flag", async () => {
      const { sceneId } = await workshop.scene();
      const refused = async (...words: string[]) => {
        const { code, error } = await workshop.agent([...words, ...chunk(sceneId), "--json"]);
        return [code, error.code, String(error["hint"])];
      };
      expect((await refused("upload", "absent")).slice(0, 2)).toEqual([3, "FILE_NOT_FOUND"]);
      expect((await refused("upload", workshop.directory)).slice(0, 2)).toEqual([2, "FILE_IS_DIRECTORY"]);
      const typeless = await workshop.file("typeless", "x");
      expect(await refused("upload", typeless)).toEqual([
        ...[2, "INVALID_ARGUMENT"],
        "Pass contentType (--content-type on the command line).",
      ]);
      const provider = await startProvider({ "/clip.mp4": serves(randomBytes(100)) });
      const args = [
        "ingest",
        `${provider.origin}/clip.mp4`,
        ...chunk(sceneId),
        "--max-bytes",
        "10",
        "--json",
      ];
      const large = await workshop.agent(args, { env: { REELSYNC_INGEST_ALLOW_HOSTS: provider.host } });
      expect(large).toMatchObject({ code: 8, error: { code: "FILE_TOO_LARGE" } });
      expect(large.error["hint"]).toContain("--max-bytes");
    });

    test("a full quota exits 8", async () => {
      const { sceneId } = await workshop.scene();
      const file = await workshop.file("a.mp4", randomBytes(1000));
      await workshop.stack.runAsOperator("setup:limit", { tenant: TENANT, quotaBytes: 1 });
      try {
        const run = await workshop.agent(["upload", file, ...chunk(sceneId), "--json"]);
        expect(run).toMatchObject({ code: 8, error: { code: "QUOTA_EXCEEDED" } });
      } finally {
        await workshop.stack.runAsOperator("setup:limit", { tenant: TENANT });
      }
    });

    test("an unreachable deployment exits 5 within --timeout", async () => {
      const env = { CONVEX_URL: "http://127.0.0.1:9", CONVEX_SITE_URL: "http://127.0.0.1:9" };
      const run = await workshop.agent(["ls", "--json", "--timeout", "1"], { env });
      expect(run).toMatchObject({
        code: 5,
        stdout: "",
        error: { code: "CONVEX_UNAVAILABLE", retryable: true },
      });
    });

    /** A multipart upload whose first part the store never answers, and what to do once it got there. */
    async function stuckUpload(never: (exchange: Exchange) => boolean, then: (child: ChildProcess) => void) {
      const { sceneId } = await workshop.scene();
      const file = await workshop.file("large.mp4", randomBytes(20 * MIB));
      const proxy = await startFaultProxy(workshop.stack.local.objectStore.endpoint);
      let arrived: () => void = () => undefined;
      const partArrived = new Promise<void>((resolve) => (arrived = resolve));
      proxy.spoil = (exchange) => {
        if (exchange.target.includes("partNumber=")) arrived();
        return never(exchange) ? () => new Promise<void>(() => undefined) : undefined;
      };
      const run = await workshop.agent(["upload", file, ...chunk(sceneId)], {
        env: { S3_ENDPOINT_URL: proxy.url, S3_MULTIPART_THRESHOLD_MB: "5" },
        during: (child) => void partArrived.then(() => then(child)),
      });
      return { run, sceneId, seen: proxy.seen };
    }

    test("[G3] Ctrl-C in the middle of a multipart upload exits 130 and leaves no parts and no open record", async () => {
      const { run, sceneId, seen } = await stuckUpload(
        ({ target }) => target.includes("partNumber="),
        (child) => child.kill("SIGINT"),
      );
      expect(run).toMatchObject({ code: 130, stdout: "" });
      expect(run.stderr).toBe("stopping and cleaning up; once more stops at once\n");
      expect(seen.some(({ method, target }) => method === "DELETE" && target.includes("uploadId="))).toBe(
        true,
      );
      expect(await bucket().multipartUploads()).toBe(0);
      const rows = (await workshop.rows("assets")).filter(({ entityId }) => entityId === sceneId);
      expect(rows).toMatchObject([{ status: "error", errorCode: "ABORTED" }]);
    });

    test("a second signal does not wait for cleaning up", async () => {
      const { run } = await stuckUpload(
        ({ method, target }) => method === "DELETE" || target.includes("partNumber="),
        (child) => {
          child.stderr?.once("data", () => child.kill("SIGTERM"));
          child.kill("SIGTERM");
        },
      );
      expect(run).toMatchObject({ code: 143, stdout: "" });
      // Giving up on the store by itself would have said so.
      expect(run.stderr).not.toContain("left in the bucket");
    });
  });
}
