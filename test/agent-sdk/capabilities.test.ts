/** What a store says it does is believed only as far as it was seen doing it. */
import { describe, expect, test } from "vitest";
import { openCall } from "../../agent-sdk/src/call.ts";
import { loadConfig } from "../../agent-sdk/src/config.ts";
import { capabilitiesOf } from "../../agent-sdk/src/s3/capabilities.ts";
import { createS3Client } from "../../agent-sdk/src/s3/s3-client.ts";
import { BUCKET, CREDENTIALS, startBucket } from "./support/bucket.ts";
import { startFaultProxy, type Fault } from "./support/fault-proxy.ts";

async function ask(endpoint: string) {
  const { s3 } = loadConfig({
    env: {},
    convexUrl: "http://127.0.0.1:1",
    agentToken: async () => "",
    s3: { endpoint, bucket: BUCKET, ...CREDENTIALS, maxAttempts: 1 },
  });
  const client = createS3Client(s3);
  const call = openCall({ timeoutMs: 20_000 });
  return capabilitiesOf(client, s3, "temp/", call).finally(() => {
    call.dispose();
    client.destroy();
  });
}

/** A store that answers every PUT alike. */
async function storeThatAnswers(put: Fault) {
  const store = await startFaultProxy("http://127.0.0.1:9");
  store.spoil = ({ method }) => (method === "PUT" ? put : { status: 204 });
  return store;
}

const ETAG = { ETag: '"e"' };
const NOTHING = { bodyDigest: false, checksum: false, conditionalWrites: false, versioning: false };

describe("a store that does what it is asked", () => {
  test("is found to, and nothing of the probe stays", async () => {
    const bucket = await startBucket();
    expect(await ask(bucket.endpoint)).toEqual({
      bodyDigest: true,
      checksum: true,
      conditionalWrites: true,
      versioning: false,
    });
    expect(await bucket.keys()).toEqual([]);
  });

  test("with versions, of which each is removed by its id", async () => {
    const store = await startFaultProxy("http://127.0.0.1:9");
    let version = 0;
    store.spoil = ({ method }) =>
      method === "PUT"
        ? { status: 200, headers: { ...ETAG, "x-amz-version-id": `v${++version}` } }
        : { status: 204 };
    expect(await ask(store.url)).toMatchObject({ versioning: true });
    const removed = store.seen.flatMap(({ method, target }) =>
      method === "DELETE" ? [new URL(target, store.url).searchParams.get("versionId")] : [],
    );
    expect(removed).toEqual(Array.from({ length: version }, (_, index) => `v${index + 1}`));
  });
});

describe("what was only sent does not count", () => {
  test("a store that takes everything and echoes nothing has nothing", async () => {
    const store = await storeThatAnswers({ status: 200, headers: ETAG });
    expect(await ask(store.url)).toEqual(NOTHING);
  });

  test("nor does an echo, from a store that takes a wrong checksum too", async () => {
    const store = await storeThatAnswers({
      status: 200,
      headers: { ...ETAG, "x-amz-checksum-crc32": "W00EBQ==" },
    });
    expect(await ask(store.url)).toEqual(NOTHING);
    expect(store.seen.some(({ headers }) => headers["x-amz-checksum-crc32"] === "W00EBQ==")).toBe(true);
  });

  test("nor a refusal for another reason", async () => {
    const store = await startFaultProxy("http://127.0.0.1:9");
    let first = true;
    store.spoil = ({ method }) => {
      if (method !== "PUT") return { status: 204 };
      const answer = first ? { status: 200, headers: ETAG } : { status: 503 };
      first = false;
      return answer;
    };
    expect(await ask(store.url)).toEqual(NOTHING);
  });
});

test("a store is asked once in a process, and again after it did not answer", async () => {
  const store = await storeThatAnswers({ status: 503 });
  await expect(ask(store.url)).rejects.toMatchObject({ code: "S3_UNAVAILABLE" });
  store.spoil = () => ({ status: 200, headers: ETAG });
  const [one, other] = await Promise.all([ask(store.url), ask(store.url)]);
  expect(one).toBe(other);
  const { length } = store.seen;
  expect(await ask(store.url)).toBe(one);
  expect(store.seen).toHaveLength(length);
});
