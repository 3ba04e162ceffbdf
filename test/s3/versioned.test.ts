/** A versioned bucket: what the operator of a real bucket is advised to switch on. */
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { memoryFile } from "../../agent-sdk/src/file/asset-file.ts";
import { MIB } from "../../contract/limits.ts";
import { openCall } from "../../agent-sdk/src/call.ts";
import { loadConfig } from "../../agent-sdk/src/config.ts";
import { capabilitiesOf } from "../../agent-sdk/src/s3/capabilities.ts";
import { createS3Client } from "../../agent-sdk/src/s3/s3-client.ts";
import { createBytePath } from "../agent-sdk/support/bucket.ts";
import { useRealStore } from "./real-store.ts";

const bucket = useRealStore({ versioned: true });

test.each([
  ["in one request", 100_000],
  ["in parts", 6 * MIB],
])("[G2] what is stored %s is named by its version, also when a key is written twice", async (_how, size) => {
  const { store } = createBytePath(bucket.endpoint, { ...bucket.options, multipartThreshold: 5 * MIB });
  const key = `versioned/${size}.mp4`;
  const versions: string[] = [];
  for (let time = 0; time < 2; time++) {
    const { versionId } = await store(memoryFile(randomBytes(size)), { key });
    expect(versionId).toBe((await bucket.head(key)).VersionId);
    versions.push(versionId ?? "");
  }
  expect(new Set(versions).size).toBe(2);
});

test("the probe finds out what this store does, and leaves no version of its object behind", async () => {
  const { s3 } = loadConfig({
    env: {},
    convexUrl: "http://127.0.0.1:1",
    agentToken: async () => "",
    s3: bucket.options,
  });
  const client = createS3Client(s3);
  const call = openCall({ timeoutMs: 30_000 });
  const found = await capabilitiesOf(client, s3, "temp/", call);
  expect(found).toMatchObject({ bodyDigest: true, versioning: true });
  expect(await bucket.keys("temp/")).toEqual([]);
  call.dispose();
  client.destroy();
});
