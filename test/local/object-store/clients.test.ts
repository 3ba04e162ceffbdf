/** The command line clients people have, unmodified. Each is skipped by name where it is not installed. */
import { execFile, spawnSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { BUCKET, CREDENTIALS, MIB, patternBytes, useObjectStore } from "./fixture.ts";

const fixture = useObjectStore();
const run = promisify(execFile);
const has = (command: string): boolean => spawnSync(command, ["--version"]).error === undefined;
const given = (command: string) => ({
  skip: !has(command),
  name: has(command) ? command : `${command} (skipped: not installed)`,
});

const ODD = "sub dir/ü+ & %41😀.txt";
const LARGE = patternBytes(17 * MIB, 21);
let tree: string;

beforeAll(async () => {
  tree = path.join(fixture.dataDir, "tree");
  await mkdir(path.join(tree, "sub dir"), { recursive: true });
  await writeFile(path.join(tree, "large.bin"), LARGE);
  await writeFile(path.join(tree, ODD), "odd");
  await writeFile(path.join(tree, "empty"), "");
});

async function expectSameTree(directory: string): Promise<void> {
  expect((await readFile(path.join(directory, "large.bin"))).equals(LARGE)).toBe(true);
  expect(await readFile(path.join(directory, ODD), "utf8")).toBe("odd");
  expect(await readFile(path.join(directory, "empty"), "utf8")).toBe("");
}

const aws = given("aws");
describe.skipIf(aws.skip)(aws.name, () => {
  const cli = async (...args: string[]): Promise<string> => {
    const env = {
      PATH: process.env["PATH"],
      HOME: fixture.dataDir,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_EC2_METADATA_DISABLED: "true",
    };
    return (await run("aws", ["--endpoint-url", fixture.store.endpoint, ...args], { env })).stdout;
  };

  test("copies a tree up and down, lists, moves and removes it", { timeout: 120_000 }, async () => {
    await cli("s3", "cp", tree, `s3://${BUCKET}/aws/`, "--recursive", "--no-progress");
    expect(await cli("s3", "ls", `s3://${BUCKET}/aws/`, "--recursive")).toContain(`aws/${ODD}`);
    await cli("s3", "mv", `s3://${BUCKET}/aws/large.bin`, `s3://${BUCKET}/aws/moved.bin`, "--no-progress");
    await cli("s3", "mv", `s3://${BUCKET}/aws/moved.bin`, `s3://${BUCKET}/aws/large.bin`, "--no-progress");
    const down = path.join(fixture.dataDir, "aws-down");
    await cli("s3", "sync", `s3://${BUCKET}/aws/`, down, "--no-progress");
    await expectSameTree(down);
    await cli("s3", "rm", `s3://${BUCKET}/aws/`, "--recursive");
    expect(
      JSON.parse((await cli("s3api", "list-objects-v2", "--bucket", BUCKET, "--prefix", "aws/")) || "{}"),
    ).not.toHaveProperty("Contents");
  });
});

const rclone = given("rclone");
describe.skipIf(rclone.skip)(rclone.name, () => {
  const cli = async (...args: string[]): Promise<string> => {
    const env = {
      PATH: process.env["PATH"],
      RCLONE_CONFIG: path.join(fixture.dataDir, "no-rclone.conf"),
      RCLONE_CONFIG_LOCAL_TYPE: "s3",
      RCLONE_CONFIG_LOCAL_PROVIDER: "Other",
      RCLONE_CONFIG_LOCAL_ENDPOINT: fixture.store.endpoint,
      RCLONE_CONFIG_LOCAL_REGION: "us-east-1",
      RCLONE_CONFIG_LOCAL_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      RCLONE_CONFIG_LOCAL_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    };
    return (await run("rclone", args, { env })).stdout;
  };

  test(
    "copies a tree in parts, checks its hashes, moves it and purges it",
    { timeout: 120_000 },
    async () => {
      await cli("copy", tree, `local:${BUCKET}/rclone`, "--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M");
      await cli("check", tree, `local:${BUCKET}/rclone`);
      await cli("move", `local:${BUCKET}/rclone`, `local:${BUCKET}/moved`);
      const down = path.join(fixture.dataDir, "rclone-down");
      await cli("copy", `local:${BUCKET}/moved`, down);
      await expectSameTree(down);
      await cli("purge", `local:${BUCKET}/moved`);
      expect(await cli("lsf", "-R", `local:${BUCKET}`)).not.toContain("moved");
    },
  );
});

const s3cmd = given("s3cmd");
describe.skipIf(s3cmd.skip)(s3cmd.name, () => {
  const cli = async (...args: string[]): Promise<string> => {
    const { host } = new URL(fixture.store.endpoint);
    const config = path.join(fixture.dataDir, "s3cfg");
    await writeFile(
      config,
      `[default]\naccess_key = ${CREDENTIALS.accessKeyId}\nsecret_key = ${CREDENTIALS.secretAccessKey}\n` +
        `host_base = ${host}\nhost_bucket = ${host}\nuse_https = False\n`,
    );
    const env = { PATH: process.env["PATH"], HOME: fixture.dataDir, LANG: "C.UTF-8" };
    return (await run("s3cmd", ["-c", config, "--no-progress", ...args], { env })).stdout;
  };

  test("syncs a tree up and down, describes, moves and removes it", { timeout: 120_000 }, async () => {
    await cli("sync", "--multipart-chunk-size-mb=5", `${tree}/`, `s3://${BUCKET}/s3cmd/`);
    expect(await cli("info", `s3://${BUCKET}`)).toContain("owner: FULL_CONTROL");
    await cli("mv", `s3://${BUCKET}/s3cmd/large.bin`, `s3://${BUCKET}/s3cmd/moved.bin`);
    await cli("mv", `s3://${BUCKET}/s3cmd/moved.bin`, `s3://${BUCKET}/s3cmd/large.bin`);
    const down = path.join(fixture.dataDir, "s3cmd-down");
    await mkdir(down);
    await cli("sync", `s3://${BUCKET}/s3cmd/`, `${down}/`);
    await expectSameTree(down);
    await cli("del", "--recursive", "--force", `s3://${BUCKET}/s3cmd/`);
    expect(await cli("ls", "-r", `s3://${BUCKET}/s3cmd/`)).toBe("");
  });
});
