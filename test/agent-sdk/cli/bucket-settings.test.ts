import {
  GetBucketLifecycleConfigurationCommand,
  PutBucketCorsCommand,
  PutBucketLifecycleConfigurationCommand,
} from "@aws-sdk/client-s3";
import { expect, onTestFinished, test } from "vitest";
import { openCall } from "../../../agent-sdk/src/call.ts";
import type { Bucket, Wishes } from "../../../agent-sdk/src/cli/bucket/bucket-setting.ts";
import { SETTING_NAMES, settle } from "../../../agent-sdk/src/cli/bucket/plan.ts";
import { loadConfig, type S3Options } from "../../../agent-sdk/src/config.ts";
import { createS3Client } from "../../../agent-sdk/src/s3/s3-client.ts";
import { startBucketOfSettings } from "./support/bucket-of-settings.ts";

const WISHES: Wishes = { base: "", tempFolder: "temp/", tenants: [], origins: ["*"], tempDays: 7 };

async function openBucket(wishes: Partial<Wishes> = {}, s3: S3Options = {}) {
  const store = await startBucketOfSettings();
  const { s3: config } = loadConfig({
    env: {},
    convexUrl: "http://127.0.0.1:1",
    agentToken: async () => "",
    s3: {
      bucket: "reels",
      accessKeyId: "k",
      secretAccessKey: "s",
      endpoint: store.url,
      maxAttempts: 1,
      ...s3,
    },
  });
  const client = createS3Client(config);
  const call = openCall({ timeoutMs: 30_000 });
  onTestFinished(() => {
    client.destroy();
    call.dispose();
  });
  const bucket: Bucket = { client, config, call, wishes: { ...WISHES, ...wishes } };
  const rules = async () =>
    (await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: "reels" }))).Rules;
  return { ...store, client, bucket, rules };
}

const states = async (bucket: Bucket, apply: boolean) =>
  Object.fromEntries(
    await Promise.all(
      SETTING_NAMES.map(async (name) => [name, (await settle(name, bucket, apply)).item.state] as const),
    ),
  );

test("a plan changes nothing; applied once, everything is as wanted and stays so", async () => {
  const { bucket, documents } = await openBucket();
  const all = (state: string) => Object.fromEntries(SETTING_NAMES.map((name) => [name, state]));
  expect(await states(bucket, false)).toEqual(all("change"));
  expect(documents.size).toBe(0);
  expect(await states(bucket, true)).toEqual(all("changed"));
  expect(await states(bucket, true)).toEqual(all("ok"));
  expect(documents.get("versioning")).toContain("<Status>Enabled</Status>");
  expect(documents.get("encryption")).toContain("<SSEAlgorithm>AES256</SSEAlgorithm>");
});

test("lifecycle rules keep those of others, follow base prefix and tenants, and are changed when their days are", async () => {
  const { bucket, client, rules } = await openBucket({ base: "reels/", tenants: ["studio"] });
  const theirs = {
    ID: "theirs",
    Status: "Enabled" as const,
    Filter: { Prefix: "logs/" },
    Expiration: { Days: 1 },
  };
  const LifecycleConfiguration = { Rules: [theirs] };
  await client.send(new PutBucketLifecycleConfigurationCommand({ Bucket: "reels", LifecycleConfiguration }));

  await settle("lifecycle", bucket, true);
  const shape = (await rules())?.map(({ ID, Filter, Expiration, AbortIncompleteMultipartUpload: abort }) => [
    ID,
    Filter?.Prefix,
    Expiration?.Days ?? abort?.DaysAfterInitiation,
  ]);
  expect(shape).toEqual([
    ["theirs", "logs/", 1],
    ["reelsync-abort-incomplete-uploads", "reels/", 7],
    ["reelsync-temp", "reels/temp/", 7],
    ["reelsync-partial-movie-files", "reels/partial_movie_files/", 7],
    ["reelsync-temp-studio", "reels/t/studio/temp/", 7],
  ]);

  const shorter = { ...bucket, wishes: { ...bucket.wishes, tempDays: 2 } };
  const { item } = await settle("lifecycle", shorter, true);
  expect(item.wanted).toBe(
    "reels/temp/ goes after 2 days, reels/partial_movie_files/ goes after 2 days, reels/t/studio/temp/ goes after 2 days",
  );
  expect(await rules()).toHaveLength(5);

  const older = { ...shorter, wishes: { ...shorter.wishes, tempFolder: "scratch/" } };
  expect((await settle("lifecycle", older, true)).item.wanted).toBe("reels/scratch/ goes after 2 days");
  expect(await rules()).toHaveLength(6);
});

test("a rule of somebody else's for the same prefix is left as their decision", async () => {
  const { bucket, client } = await openBucket();
  const Rules = [
    { ID: "a", Status: "Enabled" as const, Filter: { Prefix: "temp/" }, Expiration: { Days: 90 } },
    {
      ID: "b",
      Status: "Disabled" as const,
      Filter: { Prefix: "partial_movie_files/" },
      Expiration: { Days: 1 },
    },
  ];
  await client.send(
    new PutBucketLifecycleConfigurationCommand({ Bucket: "reels", LifecycleConfiguration: { Rules } }),
  );
  const { item } = await settle("lifecycle", bucket, false);
  expect(item.wanted).not.toMatch(/(^| )temp\//);
  // A rule that is switched off does nothing.
  expect(item.wanted).toContain("partial_movie_files/ goes after 7 days");
});

test("BlockPublicAcls is asked for on AWS alone: elsewhere it may refuse every later PUT", async () => {
  const { bucket, documents } = await openBucket();
  const { item } = await settle("public-access", bucket, true);
  expect(item.note).toContain("BlockPublicAcls is left off");
  expect(documents.get("publicAccessBlock")).toContain("<BlockPublicAcls>false</BlockPublicAcls>");
  expect(documents.get("publicAccessBlock")).toContain("<RestrictPublicBuckets>true</RestrictPublicBuckets>");
  expect((await settle("public-access", bucket, false)).item.state).toBe("ok");

  // What somebody switched on there is what breaks uploads, so it is switched off again.
  const broken = documents
    .get("publicAccessBlock")
    ?.replace("<BlockPublicAcls>false", "<BlockPublicAcls>true");
  documents.set("publicAccessBlock", broken ?? "");
  expect((await settle("public-access", bucket, false)).item).toMatchObject({ state: "change" });
});

test("a bucket behind a public URL keeps its public access", async () => {
  const { bucket, documents } = await openBucket({}, { publicBaseUrl: "https://cdn.example" });
  const { item } = await settle("public-access", bucket, true);
  expect(item).toMatchObject({
    state: "skipped",
    note: expect.stringContaining("S3_PUBLIC_BASE_URL") as string,
  });
  expect(documents.size).toBe(0);
});

test("with a KMS key, that key encrypts by default", async () => {
  const { bucket, documents } = await openBucket({}, { kmsKeyId: "alias/reels" });
  expect((await settle("encryption", bucket, true)).item).toMatchObject({
    state: "changed",
    wanted: "aws:kms with alias/reels",
  });
  expect(documents.get("encryption")).toContain("<KMSMasterKeyID>alias/reels</KMSMasterKeyID>");
  expect((await settle("encryption", bucket, false)).item.state).toBe("ok");
});

test("the rule for pages is narrowed to the origin that is named; rules of others are kept, and said to be wider", async () => {
  const { bucket, client } = await openBucket();
  await settle("cors", bucket, true);
  const narrow = { ...bucket, wishes: { ...bucket.wishes, origins: ["https://reels.example"] } };
  const planned = await settle("cors", narrow, false);
  expect(planned.item).toMatchObject({
    state: "change",
    now: "GET HEAD from *, ETag exposed",
    wanted: "GET HEAD from https://reels.example, ETag exposed",
  });
  await settle("cors", narrow, true);
  expect((await settle("cors", narrow, false)).item).toMatchObject({ state: "ok" });

  const theirs = {
    ID: "theirs",
    AllowedOrigins: ["*"],
    AllowedMethods: ["GET", "HEAD"],
    ExposeHeaders: ["ETag"],
  };
  await client.send(
    new PutBucketCorsCommand({ Bucket: "reels", CORSConfiguration: { CORSRules: [theirs] } }),
  );
  const left = await settle("cors", narrow, true);
  expect(left.item).toMatchObject({
    state: "skipped",
    note: expect.stringContaining("rules of others") as string,
  });
});

test.each([
  ["does not know the setting", 501, "NotImplemented", "unsupported", undefined],
  ["knows no such document", 400, "InvalidArgument", "unsupported", undefined],
  ["does not allow it", 403, "AccessDenied", "failed", "S3_ACCESS_DENIED"],
  ["is down", 503, "ServiceUnavailable", "failed", "S3_UNAVAILABLE"],
])("a store that %s is reported as such, with its own words", async (_why, status, code, state, error) => {
  const { bucket, refuses } = await openBucket();
  refuses.set("encryption", { status, code });
  const { item } = await settle("encryption", bucket, true);
  expect(item).toMatchObject({
    setting: "encryption",
    state,
    ...(error !== undefined && { error: { code: error } }),
  });
  expect(item.note ?? item.error?.message).toContain(code);
});
