import { mkdir, mkdtemp, open, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  CreateBucketCommand,
  GetBucketCorsCommand,
  PutBucketCorsCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { describe, expect, onTestFinished, test } from "vitest";
import { writeEnvFiles } from "../../../../demo/env-files.ts";
import { GIB } from "../../../../contract/limits.ts";
import type { Workshop } from "../support/workshop.ts";

export function describeOperator(workshop: Workshop) {
  describe("token create", () => {
    const create = ["token", "create", "--name", "renderer", "--tenant", "studio"];
    const operator = () => ({
      CONVEX_SELF_HOSTED_URL: workshop.stack.local.deployment.url,
      CONVEX_SELF_HOSTED_ADMIN_KEY: workshop.stack.local.deployment.adminKey,
    });

    test("makes a key that works, and prints nothing else on stdout", async () => {
      const made = await workshop.agent(create, { env: operator() });
      expect(made).toMatchObject({ code: 0, stderr: "keep it: it cannot be shown again\n" });
      expect(made.stdout).toMatch(/^rsk_[0-9a-f]{64}\n$/);
      const used = await workshop.agent(["ls", "--limit", "1"], {
        env: { REELSYNC_AGENT_KEY: made.stdout.trim() },
      });
      expect(used.code).toBe(0);
      const json = await workshop.agent([...create, "--json"], { env: operator() });
      expect(json.records).toEqual([
        {
          agentKey: expect.stringMatching(/^rsk_/) as string,
          name: "renderer",
          tenantId: workshop.stack.tenantId,
        },
      ]);
    });

    test("[G3] leaves a tenant that is there as it is, and makes one only when it is told its name", async () => {
      const make = (slug: string, ...more: string[]) =>
        workshop.agent(["token", "create", "--name", "n", "--tenant", slug, "--json", ...more], {
          env: operator(),
        });
      const before = await workshop.rows("tenants");
      expect(await make("studio", "--tenant-name", "Renamed")).toMatchObject({ code: 0 });
      expect(await make("not-there")).toMatchObject({ code: 3, error: { code: "NOT_FOUND" } });
      expect(await workshop.rows("tenants")).toEqual(before);
      expect(await make("not-there", "--tenant-name", "There")).toMatchObject({ code: 0 });
      expect((await workshop.rows("tenants")).map(({ slug, name }) => [slug, name])).toEqual([
        ["studio", "Studio"],
        ["not-there", "There"],
      ]);
    });

    test("[G6] for named projects, the key creates sessions in these alone", async () => {
      const made = await workshop.agent([...create, "--project", "own", "--json"], { env: operator() });
      const env = { REELSYNC_AGENT_KEY: String(made.records[0]?.["agentKey"]) };
      const session = (project: string) =>
        workshop.agent(["session", "create", "--project", project, "--title", "T", "--key", "k", "--json"], {
          env,
        });
      expect(await session("own")).toMatchObject({ code: 0 });
      expect(await session("other")).toMatchObject({ code: 4, error: { code: "FORBIDDEN" } });
    });

    test("[G7] without the operator's key it is refused, with a wrong one too, and neither is shown", async () => {
      const without = await workshop.agent([...create, "--json"]);
      expect(without).toMatchObject({ code: 2, error: { code: "USAGE" } });
      expect(without.error.message).toContain("CONVEX_SELF_HOSTED_ADMIN_KEY");
      const wrong = await workshop.agent([...create, "--json"], {
        env: { ...operator(), CONVEX_SELF_HOSTED_ADMIN_KEY: "local|0123456789" },
      });
      expect(wrong).toMatchObject({ code: 4, stdout: "", error: { code: "FORBIDDEN" } });
      expect(wrong.error["hint"]).toContain("CONVEX_SELF_HOSTED_ADMIN_KEY");
      expect(wrong.stderr).not.toContain("0123456789");
    });
  });

  describe("the files npm start leaves", () => {
    test("let a newcomer run an agent's, a person's and an operator's commands, and nobody else read them", async () => {
      const folder = await mkdtemp(join(workshop.directory, "start-"));
      const files = await writeEnvFiles(workshop.stack, folder);
      const run = (file: string, ...args: string[]) =>
        workshop.bare([...args, "--dotenv", file, "--json"], { env: {} });
      for (const [file, ...args] of [
        [files.agent, "ls", "--limit", "1"],
        [files.agent, "doctor"],
        [files.admin, "rollout"],
        [files.admin, "reconcile", "--grace-hours", "1"],
        [files.admin, "token", "create", "--name", "n", "--tenant", "studio"],
      ] as const) {
        expect(await run(file, ...args), args.join(" ")).toMatchObject({ code: 0, stderr: "" });
      }
      const modes = await Promise.all(
        [files.agent, files.admin].map(async (file) => (await stat(file)).mode & 0o777),
      );
      expect(modes).toEqual([0o600, 0o600]);
    });
  });

  describe("bucket setup", () => {
    async function ownBucket(name: string) {
      const { endpoint, credentials } = workshop.stack.local.objectStore;
      const client = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
      onTestFinished(() => client.destroy());
      await client.send(new CreateBucketCommand({ Bucket: name }));
      const rules = async () =>
        (await client.send(new GetBucketCorsCommand({ Bucket: name })).catch(() => undefined))?.CORSRules;
      return { client, name, rules, env: { S3_BUCKET: name } };
    }

    test("prints the plan and changes nothing without --yes", async () => {
      const { rules, env } = await ownBucket("planned");
      const run = await workshop.agent(["bucket", "setup"], { env });
      expect(run).toMatchObject({
        code: 0,
        stderr: "nothing was changed: --yes makes the changes, as far as this store has the settings\n",
      });
      expect(run.stdout).toMatch(/^change +versioning +never enabled → enabled$/m);
      expect(run.stdout).toMatch(/^change +cors +no rules → GET HEAD from \*, ETag exposed$/m);
      expect(await rules()).toBeUndefined();
    });

    test("with --yes makes what the store has, reports what it has not, keeps the rules of others; again it is in order", async () => {
      const { client, name, rules, env } = await ownBucket("set-up");
      const theirs = { ID: "theirs", AllowedOrigins: ["https://theirs.example"], AllowedMethods: ["GET"] };
      await client.send(
        new PutBucketCorsCommand({ Bucket: name, CORSConfiguration: { CORSRules: [theirs] } }),
      );
      const setup = ["bucket", "setup", "--origin", "https://reels.example", "--json"];
      const run = await workshop.agent([...setup, "--yes"], { env });
      expect(run).toMatchObject({ code: 0, stderr: "" });
      expect(run.records.map(({ setting, state }) => [setting, state])).toEqual([
        ["versioning", "unsupported"],
        ["lifecycle", "unsupported"],
        ["cors", "changed"],
        ["encryption", "unsupported"],
        ["public-access", "unsupported"],
      ]);
      expect(run.records[0]?.["note"]).toContain("NotImplemented");
      expect(await rules()).toMatchObject([
        theirs,
        {
          ID: "reelsync",
          AllowedOrigins: ["https://reels.example"],
          ExposeHeaders: expect.arrayContaining(["ETag"]) as string[],
        },
      ]);
      const again = await workshop.agent([...setup, "--only", "cors", "--yes"], { env });
      expect(again.records).toMatchObject([{ setting: "cors", state: "ok" }]);
    });

    test("[G7] asks for nothing of Convex, and says at once when the bucket or the keys are wrong", async () => {
      const { endpoint, credentials } = workshop.stack.local.objectStore;
      const env = {
        CONVEX_URL: "",
        REELSYNC_AGENT_KEY: "",
        S3_ENDPOINT_URL: endpoint,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      };
      const setup = ["bucket", "setup", "--json"];
      const runs = await Promise.all([
        workshop.agent(setup, { env: { ...env, S3_BUCKET: "absent-bucket" } }),
        workshop.agent(setup, { env: { ...env, AWS_SECRET_ACCESS_KEY: "wrong" } }),
      ]);
      expect(runs.map(({ code, error, stdout }) => [code, error.code, stdout])).toEqual([
        [3, "BUCKET_NOT_FOUND", ""],
        [4, "S3_CREDENTIALS_INVALID", ""],
      ]);
    });
  });

  describe("doctor", () => {
    const failing = (records: Record<string, unknown>[]) =>
      records.filter(({ state }) => state === "fail").map(({ check, fix }) => [check, fix]);

    test("finds nothing wrong with a good environment, and shows no secret", async () => {
      const run = await workshop.agent(["doctor", "--json"], { env: await workshop.personEnv("ada") });
      expect(run).toMatchObject({ code: 0, stderr: "" });
      expect(failing(run.records)).toEqual([]);
      const states = Object.fromEntries(run.records.map(({ check, state }) => [String(check), state]));
      expect(states).toMatchObject({
        variable: "ok",
        clock: "ok",
        credentials: "ok",
        bucket: "ok",
        region: "ok",
        addressing: "ok",
        uploading: "ok",
        kms: "ok",
        capabilities: "ok",
        cors: "ok",
        versioning: "warn",
        lifecycle: "warn",
        rollout: "ok",
        "convex url": "ok",
        "site url": "ok",
        "agent key": "ok",
        functions: "ok",
        "same bucket": "ok",
        "your token": "ok",
        "journal folder": "ok",
        "dead-letter folder": "ok",
      });
      const { REELSYNC_AGENT_KEY = "", AWS_SECRET_ACCESS_KEY = "" } = workshop.agentEnv;
      expect(run.stdout).not.toContain(REELSYNC_AGENT_KEY);
      expect(run.stdout).not.toContain(AWS_SECRET_ACCESS_KEY);
    });

    test("names cause and fix of each fault, and exits 1", async () => {
      const { url, siteUrl } = workshop.stack.local.deployment;
      const { endpoint } = workshop.stack.local.objectStore;
      const [kms, keys, bucket, key, convex, site, bare] = await Promise.all([
        workshop.agent(["doctor", "--json"], {
          env: { S3_KMS_KEY_ID: "key-1", REELSYNC_JOURNAL_DIR: "/dev/null/journal" },
        }),
        workshop.agent(["doctor", "--json"], { env: { AWS_SECRET_ACCESS_KEY: "wrong" } }),
        workshop.agent(["doctor", "--json"], { env: { S3_BUCKET: "absent-bucket" } }),
        workshop.agent(["doctor", "--json"], { env: { REELSYNC_AGENT_KEY: "rsk_wrong" } }),
        workshop.agent(["doctor", "--json"], { env: { CONVEX_URL: "http://127.0.0.1:9" } }),
        workshop.agent(["doctor", "--json"], { env: { CONVEX_SITE_URL: url } }),
        workshop.agent(["doctor"], { env: { S3_BUCKET: "", S3_ENDPOINT_URL: "", AWS_REGION: "" } }),
      ]);
      expect(failing(kms.records)).toEqual([
        ["kms", expect.stringContaining("S3_KMS_KEY_ID")],
        ["journal folder", expect.stringContaining("REELSYNC_JOURNAL_DIR")],
      ]);
      expect([keys, bucket, key, convex, site, bare].map(({ code }) => code)).toEqual([1, 1, 1, 1, 1, 1]);
      expect(failing(keys.records)).toEqual([
        ["credentials", expect.stringContaining("AWS_SECRET_ACCESS_KEY")],
      ]);
      expect(failing(bucket.records)).toEqual([
        // Without its endpoint the bucket would be made on AWS.
        ["bucket", `aws --endpoint-url ${endpoint} s3 mb s3://absent-bucket  # or correct S3_BUCKET`],
        ["same bucket", expect.stringContaining("export S3_BUCKET=reelsync")],
      ]);
      expect(failing(key.records)).toEqual([["agent key", expect.stringContaining("reelsync token create")]]);
      expect(failing(convex.records)).toEqual([["convex url", expect.stringContaining("CONVEX_URL")]]);
      expect(failing(site.records)).toEqual([["site url", expect.stringContaining("CONVEX_SITE_URL")]]);
      expect(siteUrl).not.toBe(url);
      expect(bare.stdout).toMatch(/^fail {2}variable: S3_BUCKET is missing$/m);
      expect(bare.stdout).toMatch(/^ +fix: export AWS_REGION=/m);
    });

    test("a wrong variable keeps no check from running but those that need it", async () => {
      const env = { S3_FORCE_PATH_STYLE: "maybe", REELSYNC_TIMEOUT_MS: "soon", REELSYNC_LOG: "loud" };
      const run = await workshop.agent(["doctor", "--json"], { env });
      expect(run.code).toBe(1);
      const states = Object.fromEntries(run.records.map(({ check, state }) => [String(check), state]));
      expect(states).toMatchObject({
        ...{ bucket: "warn", "convex url": "ok", "site url": "ok", "agent key": "ok", functions: "ok" },
        ...{ "same bucket": "ok", rollout: "ok", "journal folder": "ok" },
      });
      expect(run.records).toContainEqual({
        check: "bucket",
        state: "warn",
        found: "not looked at",
        cause: "S3_FORCE_PATH_STYLE is wrong",
        fix: expect.any(String) as string,
      });
      // Nor does it keep anybody from what has nothing to do with it.
      expect(
        await workshop.agent(["ls", "--limit", "1"], { env: { S3_FORCE_PATH_STYLE: "maybe" } }),
      ).toMatchObject({
        code: 0,
      });
    });

    test("shows the rollout's stage, and warns of any that keeps uploads back, with who, why and the way out", async () => {
      await workshop.scene();
      const set = (stage: string) =>
        workshop.owner([
          "rollout",
          "set",
          stage,
          "--project",
          "demo",
          "--reason",
          "too many failures",
          "--yes",
        ]);
      onTestFinished(async () => {
        await set("inherit");
      });
      expect(await set("end-of-run")).toMatchObject({ code: 0 });
      const rollout = async (env: Record<string, string> = {}) => {
        const { records } = await workshop.agent(["doctor", "--json"], { env });
        return records.filter(({ check }) => check === "rollout");
      };
      expect(await rollout()).toEqual([
        { check: "rollout", state: "ok", found: "on-write, of the tenant" },
        {
          check: "rollout",
          state: "warn",
          found: "end-of-run, of project demo",
          cause: expect.stringMatching(
            /^Uploads answer queued.*; set by Ada.*: too many failures$/,
          ) as string,
          fix: 'reelsync rollout set on-write --project demo --reason "…" --yes  # as an admin',
        },
      ]);
      const person = await workshop.owner(["doctor", "--json"]);
      expect(person.records).toContainEqual(expect.objectContaining({ check: "rollout", state: "warn" }));
      expect(await rollout({ REELSYNC_ROLLOUT: "shadow" })).toMatchObject([
        { state: "warn", found: "shadow, by REELSYNC_ROLLOUT", fix: "unset REELSYNC_ROLLOUT" },
      ]);
    });

    test("with STORAGE_TYPE=LOCAL looks at the folder and its door, and asks nothing of a bucket", async () => {
      const { storageDir } = workshop.stack;
      const bare = { STORAGE_TYPE: "LOCAL", S3_BUCKET: "", S3_ENDPOINT_URL: "", AWS_REGION: "" };
      const doctor = (env: Record<string, string>) =>
        workshop.agent(["doctor", "--json"], { env: { ...bare, ...env } });
      const checked = (records: Record<string, unknown>[]) => records.map(({ check }) => String(check));

      const empty = await doctor({});
      expect(empty).toMatchObject({ code: 0, stderr: "" });
      expect(failing(empty.records)).toEqual([]);
      expect(checked(empty.records)).toEqual(
        expect.arrayContaining(["storage folder", "storage limit", "file door", "functions"]),
      );
      expect(checked(empty.records)).not.toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^(bucket|credentials|region|cors|clock|same bucket)$/),
        ]),
      );
      expect(empty.records).toContainEqual(
        expect.objectContaining({
          state: "ok",
          found: expect.stringMatching(/^AWS_ACCESS_KEY_ID=.*, not used with STORAGE_TYPE=LOCAL$/) as string,
        }),
      );

      const kept = join(storageDir, "t", "look.bin");
      await mkdir(dirname(kept), { recursive: true });
      await writeFile(kept, "kept");
      onTestFinished(() => rm(kept));
      const elsewhere = join(workshop.directory, "elsewhere");
      await mkdir(elsewhere);
      const large = await open(join(elsewhere, "large.bin"), "w");
      await large.truncate(GIB);
      await large.close();
      const { CONVEX_URL = "" } = workshop.agentEnv;
      const [filled, unwritable, silent, otherKey, otherFolder, noDoor, unset] = await Promise.all([
        doctor({ STORAGE_LOCAL_MAX_SIZE_GB: "1" }),
        doctor({ STORAGE_LOCAL_DIR: "/dev/null/storage" }),
        doctor({ STORAGE_LOCAL_BASE_URL: "http://127.0.0.1:9" }),
        doctor({ STORAGE_LOCAL_SIGNING_KEY: "another key of sixteen letters" }),
        doctor({ STORAGE_LOCAL_DIR: elsewhere, STORAGE_LOCAL_MAX_SIZE_GB: "1" }),
        doctor({ STORAGE_LOCAL_BASE_URL: CONVEX_URL }),
        doctor({ STORAGE_LOCAL_BASE_URL: "" }),
      ]);
      expect(failing(filled.records)).toEqual([]);
      expect(failing(unwritable.records)).toEqual([
        ["storage folder", expect.stringContaining("STORAGE_LOCAL_DIR")],
      ]);
      expect(failing(silent.records)).toEqual([["file door", "reelsync storage serve --port 9"]]);
      expect(failing(otherKey.records)).toEqual([
        ["file door", expect.stringContaining("STORAGE_LOCAL_SIGNING_KEY")],
      ]);
      expect(failing(otherFolder.records)).toEqual([
        ["storage limit", expect.stringContaining("STORAGE_LOCAL_MAX_SIZE_GB")],
        [
          "file door",
          expect.stringMatching(/^STORAGE_LOCAL_DIR=\/.*elsewhere reelsync storage serve --port \d+$/),
        ],
      ]);
      expect(failing(noDoor.records)).toEqual([
        ["file door", expect.stringContaining("STORAGE_LOCAL_BASE_URL")],
      ]);
      expect(failing(unset.records)).toEqual([]);
      expect(unset.records).toContainEqual(expect.objectContaining({ check: "file door", state: "warn" }));
      expect([unwritable, silent, otherKey, otherFolder, noDoor].map(({ code }) => code)).toEqual(
        Array.from({ length: 5 }, () => 1),
      );
    });

    test("tells which alias is in force, and where two names disagree", async () => {
      const run = await workshop.agent(["doctor", "--json"], {
        env: { S3_BUCKET: "", S3_BUCKET_NAME: "reelsync", AWS_DEFAULT_REGION: "eu-west-1" },
      });
      expect(run.code).toBe(0);
      expect(run.records).toContainEqual(
        expect.objectContaining({ state: "ok", found: "S3_BUCKET_NAME=reelsync (alias of S3_BUCKET)" }),
      );
      expect(run.records).toContainEqual(
        expect.objectContaining({
          state: "warn",
          found: "AWS_REGION=us-east-1",
          cause: "AWS_DEFAULT_REGION=eu-west-1 says otherwise and is not used",
          fix: "unset AWS_DEFAULT_REGION",
        }),
      );
    });
  });

  describe("completion and the shell", () => {
    test("the bash script completes commands, options and values, and calls nothing", async () => {
      const { stdout } = await workshop.agent(["completion", "bash"]);
      const complete = (words: string[]) =>
        workshop.shell(
          `${stdout}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}
           _reelsync; printf '%s\\n' "\${COMPREPLY[@]}"`,
        );
      const answers = await Promise.all([
        complete(["reelsync", "dea"]),
        complete(["reelsync", "dead-letters", "re"]),
        complete(["reelsync", "upload", "a.mp4", "--ty"]),
        complete(["reelsync", "upload", "--type", "video"]),
        complete(["reelsync", "dead-letters", "list", "--state", "rep"]),
        complete(["reelsync", "completion", "f"]),
        complete(["reelsync", "reconcile", "fr"]),
        complete(["reelsync", "reconcile", "--ov"]),
        complete(["reelsync", "reconcile", "--apply", "--kind", "size"]),
        complete(["reelsync", "reconcile", "freeze", "--re"]),
      ]);
      expect(answers.map((answer) => answer.stdout.trim().split("\n"))).toEqual([
        ["dead-letters"],
        ["retry"],
        ["--type"],
        ["video_chunk"],
        ["replay_requested", "replaying"],
        ["fish"],
        ["freeze"],
        ["--over-limit"],
        ["size_mismatch"],
        ["--reason"],
      ]);
    });

    test("every script of a shell that is installed here is accepted by it", async () => {
      for (const shell of ["bash", "zsh", "fish"]) {
        const { code, stdout } = await workshop.agent(["completion", shell]);
        expect(code).toBe(0);
        expect(stdout).toContain("dead-letters");
        const installed = (await workshop.shell(`command -v ${shell}`)).code === 0;
        if (installed)
          expect(await workshop.shell(`${shell} -n`, { input: stdout })).toMatchObject({
            code: 0,
            stderr: "",
          });
      }
    });

    test("a reader that closes the pipe early is no error", async () => {
      await workshop.scene();
      const run = await workshop.shell("set -o pipefail; reelsync ls --json | head -c 1");
      expect(run).toMatchObject({ code: 0, stdout: "{", stderr: "" });
    });

    test("--dotenv supplies what the environment does not", async () => {
      const { REELSYNC_AGENT_KEY = "", ...rest } = workshop.agentEnv;
      const file = await workshop.file(
        "agent.env",
        `REELSYNC_AGENT_KEY=${REELSYNC_AGENT_KEY}\nCONVEX_URL=http://127.0.0.1:9\n`,
      );
      const run = await workshop.bare(["--dotenv", file, "ls", "--limit", "1"], { env: rest });
      expect(run.code).toBe(0);
      expect(await workshop.agent(["--dotenv", "absent.env", "ls"])).toMatchObject({ code: 2 });
    });
  });
}
