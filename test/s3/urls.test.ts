/** URLs that the SDK signs on its own machine, asked of a real store. */
import { randomBytes } from "node:crypto";
import { afterAll, describe, expect, test } from "vitest";
import { memoryFile } from "../../agent-sdk/src/file/asset-file.ts";
import { objectUrl } from "../../agent-sdk/src/s3/object-url.ts";
import { createS3Client } from "../../agent-sdk/src/s3/s3-client.ts";
import { loadConfig } from "../../agent-sdk/src/config.ts";
import { windowStart } from "../../contract/stable-url.ts";
import { createBytePath } from "../agent-sdk/support/bucket.ts";
import { useRealStore } from "./real-store.ts";

const bucket = useRealStore();
const BYTES = randomBytes(300_000);
const KEY = "t/studio/größe & co/scene 1.mp4";
const PRESIGN_SECONDS = 600;

const { s3: config } = loadConfig({
  env: {},
  convexUrl: "http://127.0.0.1:1",
  agentToken: async () => "",
  s3: { ...bucket.options, presignSeconds: PRESIGN_SECONDS },
});
const client = createS3Client(config);
afterAll(() => client.destroy());

describe("a presigned URL", () => {
  test("opens the whole object, any range of it, and nothing else", async () => {
    const { store, objects } = createBytePath(bucket.endpoint, bucket.options);
    await store(memoryFile(BYTES), { key: KEY });
    const url = await objects.url(KEY);

    const whole = await fetch(url);
    expect(whole.status).toBe(200);
    expect(whole.headers.get("content-type")).toBe("video/mp4");
    expect(whole.headers.get("cache-control")).toBe("private, max-age=31536000, immutable");
    expect(whole.headers.get("accept-ranges")).toBe("bytes");
    expect(Buffer.from(await whole.arrayBuffer()).equals(BYTES)).toBe(true);

    const ranges = { "bytes=10-19": BYTES.subarray(10, 20), "bytes=299990-": BYTES.subarray(299_990) };
    for (const [range, expected] of Object.entries({ ...ranges, "bytes=-5": BYTES.subarray(-5) })) {
      const part = await fetch(url, { headers: { Range: range } });
      expect(part.status).toBe(206);
      expect(Buffer.from(await part.arrayBuffer()).equals(expected)).toBe(true);
    }
    expect((await fetch(url, { headers: { Range: "bytes=300000-" } })).status).toBe(416);
    expect((await fetch(url.replace("scene%201", "scene%202"))).status).toBe(403);
    expect((await fetch(url, { method: "PUT", body: "other" })).status).toBe(403);
    expect((await fetch(url, { method: "DELETE" })).status).toBe(403);
  });

  test("is the same for everybody in its window, and good for at least half its life after that", async () => {
    const key = "t/studio/windows.mp4";
    await bucket.put(key, "bytes");
    const signedAt = (now: number) => objectUrl(client, config, key, now);
    const life = PRESIGN_SECONDS * 1000;
    const window = life / 2;
    const start = windowStart(key, Date.now(), PRESIGN_SECONDS);
    const lastMoment = start + window - 1;
    expect(await signedAt(lastMoment)).toBe(await signedAt(start));
    expect(await signedAt(start + window)).not.toBe(await signedAt(start));
    // Handed out at the end of the window before this one: half of its life has passed by then, and it still opens.
    expect((await fetch(await signedAt(start - 1))).status).toBe(200);
    expect((await fetch(await signedAt(start - life))).status).toBe(403);
  });
});
