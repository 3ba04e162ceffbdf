/** What the SDK's requests to S3 carry, and how it comes by its credentials and its region. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { openCall } from "../../agent-sdk/src/call.ts";
import { loadConfig, type S3Options } from "../../agent-sdk/src/config.ts";
import { memoryFile } from "../../agent-sdk/src/file/asset-file.ts";
import { isReelsyncError } from "../../agent-sdk/src/errors.ts";
import { MIB } from "../../contract/limits.ts";
import { tempDir } from "../support/temp-dir.ts";
import { CREDENTIALS, createBytePath, startBucket } from "./support/bucket.ts";
import { startFaultProxy } from "./support/fault-proxy.ts";

const FILM = memoryFile(Buffer.from("film"));

describe("what is asked of every object", () => {
  async function headersOf(options: S3Options, bytes = 100) {
    const store = await startFaultProxy("http://127.0.0.1:9");
    store.spoil = ({ target }) =>
      target.includes("uploads") ? { status: 400 } : { status: 200, headers: { ETag: '"e"' } };
    const { store: put } = createBytePath(store.url, { ...options, multipartThreshold: 5 * MIB });
    await put(memoryFile(Buffer.alloc(bytes))).catch(() => undefined);
    return store.seen[0]?.headers ?? {};
  }

  test.each([
    ["in one request", 100],
    ["in parts", 6 * MIB],
  ])("%s: the ACL and the KMS key, and nothing of the kind unless it is configured", async (_how, bytes) => {
    const asked = await headersOf({ acl: "bucket-owner-full-control", kmsKeyId: "key-1" }, bytes);
    expect(asked).toMatchObject({
      "x-amz-acl": "bucket-owner-full-control",
      "x-amz-server-side-encryption": "aws:kms",
      "x-amz-server-side-encryption-aws-kms-key-id": "key-1",
    });
    const plain = Object.keys(await headersOf({}, bytes)).join(" ");
    expect(plain).not.toMatch(/acl|encryption|security-token|checksum/);
  });

  test("a session token goes with every request, signed", async () => {
    const headers = await headersOf({ sessionToken: "session" });
    expect(headers["x-amz-security-token"]).toBe("session");
    expect(headers["authorization"]).toContain("x-amz-security-token");
  });

  test("an ACL that the bucket does not have is refused, and nothing is stored", async () => {
    const bucket = await startBucket();
    const { store } = createBytePath(bucket.endpoint, { acl: "public-read" });
    await expect(store(FILM)).rejects.toMatchObject({
      code: "S3_REFUSED",
      message: expect.stringContaining("AccessControlListNotSupported") as string,
    });
    expect(await bucket.keys()).toEqual([]);
  });
});

describe("[G7] a bucket in another region is told by its name, before anything is begun", () => {
  test.each([
    ["a redirect", { status: 301, headers: { "x-amz-bucket-region": "eu-west-1" } }],
    ["a redirect of a young bucket", { status: 307, headers: { "x-amz-bucket-region": "eu-west-1" } }],
    [
      "a refused signature",
      {
        status: 400,
        body: "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region is wrong</Message><Region>eu-west-1</Region></Error>",
      },
    ],
  ])("%s", async (_what, answer) => {
    const store = await startFaultProxy("http://127.0.0.1:9");
    store.spoil = () => answer;
    const { objects, store: put } = createBytePath(store.url, { region: "us-east-1" });
    const call = openCall({ timeoutMs: 10_000 });
    onTestFinished(call.dispose);
    for (const attempt of [objects.assertUsable(call), put(FILM)]) {
      const error = await attempt.catch((thrown: unknown) => thrown);
      if (!isReelsyncError(error)) throw new Error("nothing was refused");
      expect(error).toMatchObject({ code: "S3_REGION_WRONG", retryable: false });
      expect(error.message).toMatch(/the bucket is in eu-west-1\. Set AWS_REGION/);
    }
    expect(store.seen).toHaveLength(2);
  });
});

describe("credentials that the AWS SDK finds", () => {
  beforeEach(async () => {
    const nowhere = join(await tempDir(), "nothing");
    // Never the keys of whoever runs this, and never the network.
    for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"])
      vi.stubEnv(name, undefined);
    vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", nowhere);
    vi.stubEnv("AWS_CONFIG_FILE", nowhere);
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
    onTestFinished(() => void vi.unstubAllEnvs());
  });

  const KEYLESS = { credentials: "chain", accessKeyId: undefined, secretAccessKey: undefined } as const;
  const byChain = (endpoint: string) => createBytePath(endpoint, KEYLESS as unknown as S3Options);

  test("in a profile", async () => {
    const bucket = await startBucket();
    const file = join(await tempDir(), "credentials");
    const { accessKeyId, secretAccessKey } = CREDENTIALS;
    await writeFile(
      file,
      `[render]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
    );
    vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", file);
    vi.stubEnv("AWS_PROFILE", "render");
    const { store, objects } = byChain(bucket.endpoint);
    await store(FILM, { key: "a.mp4" });
    expect(await bucket.keys()).toEqual(["a.mp4"]);
    expect((await fetch(await objects.url("a.mp4"))).status).toBe(200);
  });

  test("at a container's own address, fetched once and renewed when they expire", async () => {
    const bucket = await startBucket();
    let asked = 0;
    let lifeMs = 60 * 60_000;
    const role = createServer((_incoming, outgoing) => {
      asked += 1;
      const { accessKeyId, secretAccessKey } = CREDENTIALS;
      const Expiration = new Date(Date.now() + lifeMs).toISOString();
      const answer = { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Expiration };
      // The store of this test knows no session tokens, so none comes with these.
      outgoing.setHeader("Content-Type", "application/json");
      outgoing.end(JSON.stringify({ ...answer, Token: "" }));
    });
    await new Promise<void>((resolve) => role.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void role.close());
    vi.stubEnv(
      "AWS_CONTAINER_CREDENTIALS_FULL_URI",
      `http://127.0.0.1:${(role.address() as AddressInfo).port}/role`,
    );
    const { store } = byChain(bucket.endpoint);
    await store(FILM, { key: "a.mp4" });
    await store(FILM, { key: "b.mp4" });
    expect(await bucket.keys()).toEqual(["a.mp4", "b.mp4"]);
    expect(asked).toBe(1);

    lifeMs = 60_000;
    const { store: again } = byChain(bucket.endpoint);
    await again(FILM, { key: "c.mp4" });
    await again(FILM, { key: "d.mp4" });
    expect(await bucket.keys()).toHaveLength(4);
    expect(asked).toBeGreaterThan(2);
  });

  test("[G7] nowhere: said as that, before anything is begun", async () => {
    const bucket = await startBucket();
    const { objects, store } = byChain(bucket.endpoint);
    const call = openCall({ timeoutMs: 10_000 });
    onTestFinished(call.dispose);
    for (const attempt of [objects.assertUsable(call), store(FILM)]) {
      await expect(attempt).rejects.toMatchObject({
        code: "S3_CREDENTIALS_INVALID",
        retryable: false,
        message: expect.stringMatching(/CredentialsProviderError.*S3_CREDENTIALS=chain/s) as string,
      });
    }
    expect(await bucket.keys()).toEqual([]);
  });

  test("[G7] keys are still asked for where nobody chose the chain, and the chain is named", () => {
    const env = {
      CONVEX_URL: "https://happy-cat-123.convex.cloud",
      REELSYNC_AGENT_KEY: "rsk_1",
      S3_BUCKET: "b",
    };
    const load = () => loadConfig({ env: { ...env, AWS_REGION: "eu-west-1" } });
    expect(load).toThrow(/AWS_ACCESS_KEY_ID is missing: set it to .*S3_CREDENTIALS/);
    const config = loadConfig({ env: { ...env, AWS_REGION: "eu-west-1", S3_CREDENTIALS: "chain" } });
    expect(config.s3.credentials).toBe("chain");
    expect(() => loadConfig({ env: { ...env, S3_CREDENTIALS: "magic" } })).toThrow("S3_CREDENTIALS is wrong");
  });
});
