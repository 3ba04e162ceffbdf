import { randomBytes } from "node:crypto";
import { stripVTControlCharacters } from "node:util";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { describe, expect, onTestFinished, test } from "vitest";
import { MIB } from "../../../../contract/limits.ts";
import { BUCKET } from "../../../../demo/stack.ts";
import type { Workshop } from "../support/workshop.ts";

const COLOUR = "\x1b[32m";

export function describeTerminal(workshop: Workshop) {
  describe("in a terminal", () => {
    test("an upload shows a bar a file and one for all, every phase, bytes and speed, and takes them away", async () => {
      const { sceneId } = await workshop.scene();
      const files = await Promise.all(
        ["one.mp4", "two.mp4"].map((name) => workshop.file(name, randomBytes(18 * MIB))),
      );
      const upload = `reelsync upload ${files.join(" ")} --scene ${sceneId} --type video_chunk`;
      const run = await workshop.terminal(upload, { env: { S3_MULTIPART_THRESHOLD_MB: "5" } });
      expect(run.code).toBe(0);
      expect(run.stdout).toContain(COLOUR);
      const seen = stripVTControlCharacters(run.stdout);
      // Files in parts are hashed while they are sent: there is no phase of that name.
      for (const phase of ["uploading", "verifying", "recording"]) {
        expect(seen).toMatch(new RegExp(`(one|two)\\.mp4 +[█░]{24} +\\d+ % .* ${phase}`));
      }
      expect(seen).toMatch(/0 of 2 files +[█░]{24} +\d+ % +[\d.]+ \S+ of 36\.0 MiB/);
      expect(seen).toMatch(/(16|2)\.0 MiB of 18\.0 MiB +[\d.]+ [KM]iB\/s +\d:\d\d left/);
      // After the last bar was erased only data is left.
      const left = stripVTControlCharacters(run.stdout.split("\x1b[0J").at(-1) ?? "");
      expect(left.trim().split("\n")).toHaveLength(1);
      expect(left).toMatch(/(one|two)\.mp4 {2}ready {2}v1 {2}18\.0 MiB/);
    });

    test("NO_COLOR takes the colours away, --json the bars too", async () => {
      const { sceneId } = await workshop.scene();
      const file = await workshop.file("a.mp4", randomBytes(1000));
      const upload = `reelsync upload ${file} --scene ${sceneId} --type video_chunk`;
      const [plain, json] = await Promise.all([
        workshop.terminal(upload, { env: { NO_COLOR: "1" } }),
        workshop.terminal(`${upload} --chunk 1 --json`),
      ]);
      expect(plain.stdout).toContain("░");
      expect(plain.stdout).not.toMatch(/\x1b\[\d+m/);
      expect(json.stdout).not.toContain("\x1b");
      expect(json.records).toMatchObject([{ state: "ready" }]);
    });

    test("[G5] a destructive command asks, and does nothing unless the answer is yes", async () => {
      const { endpoint, credentials } = workshop.stack.local.objectStore;
      const client = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
      onTestFinished(() => client.destroy());
      const Key = "t/studio/perm/demo/nobody/_session/other/asked.txt";
      await client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: "stray" }));
      const env = await workshop.personEnv("ada");
      const answered = (answer: string) =>
        workshop.terminal("reelsync reconcile --grace-hours 0 --kind object_without_record --apply", {
          env,
          during: (child) =>
            child.stdout.on("data", (seen: Buffer) => {
              if (seen.includes("[y/N]")) child.stdin.write(`${answer}\n`);
            }),
          holdInput: true,
        });
      const no = await answered("n");
      expect(no.code).toBe(10);
      expect(no.stdout).toContain(Key);
      expect(no.stdout).not.toContain("repaired");
      const yes = await answered("y");
      expect(yes.code).toBe(0);
      expect(yes.stdout).toMatch(/[1-9]\d* repaired, 0 skipped, 0 failed/);
    });
  });
}
