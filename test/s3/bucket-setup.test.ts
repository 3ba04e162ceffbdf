import {
  GetBucketLifecycleConfigurationCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, expect, test } from "vitest";
import { runCli } from "../agent-sdk/cli/support/run-cli.ts";
import { useRealStore } from "./real-store.ts";

const store = useRealStore();
const { endpoint, region, accessKeyId, secretAccessKey, forcePathStyle } = store.options;
const client = new S3Client({
  endpoint: endpoint ?? "",
  region,
  credentials: { accessKeyId, secretAccessKey },
  forcePathStyle: forcePathStyle ?? true,
});
afterAll(() => client.destroy());

const setup = (...args: string[]) => runCli(["bucket", "setup", "--json", ...args], { env: store.env });
const Bucket = store.bucket;

test("bucket setup makes what the store has, reports what it has not, and finds it in order afterwards", async () => {
  const planned = await setup("--tenant", "studio");
  expect(planned).toMatchObject({ code: 0 });
  const made = await setup("--tenant", "studio", "--yes");
  expect(made).toMatchObject({ code: 0, stderr: "" });
  const again = await setup("--tenant", "studio", "--yes");
  for (const { setting, state } of again.records) {
    const before = made.records.find((item) => item["setting"] === setting)?.["state"];
    expect(state, String(setting)).toBe(before === "unsupported" ? "unsupported" : "ok");
  }
  const { Rules = [] } = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
  expect(Rules.map(({ ID }) => ID).sort()).toEqual([
    "reelsync-abort-incomplete-uploads",
    "reelsync-partial-movie-files",
    "reelsync-temp",
    "reelsync-temp-studio",
  ]);
});

test("a bucket that was set up still takes objects, and the doctor says so", async () => {
  await store.put("temp/after-setup", "still taken");
  const doctor = await runCli(["doctor", "--json"], { env: store.env });
  const states = Object.fromEntries(doctor.records.map(({ check, state }) => [String(check), state]));
  expect(states).toMatchObject({
    credentials: "ok",
    bucket: "ok",
    uploading: "ok",
    cors: "ok",
    lifecycle: "ok",
    versioning: "ok",
  });
});

const isAws = /\.amazonaws\.com(\.cn)?$/.test(new URL(store.endpoint).hostname);

test.skipIf(isAws)("on a store that is not AWS, BlockPublicAcls is noticed and taken back", async () => {
  const PublicAccessBlockConfiguration = { BlockPublicAcls: true };
  await client.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }));
  const doctor = await runCli(["doctor", "--json"], { env: store.env });
  expect(doctor.records).toContainEqual(expect.objectContaining({ check: "public access", state: "warn" }));
  await setup("--only", "public-access", "--yes");
  await store.put("temp/again", "taken again");
});
