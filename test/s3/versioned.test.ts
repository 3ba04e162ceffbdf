/** A versioned bucket: what the operator of a real bucket is advised to switch on. */
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { memoryFile } from "../../agent-sdk/src/file/asset-file.ts";
import { MIB } from "../../contract/limits.ts";
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
