/** The deployment hands URLs to players, the SDK makes them for agents: two signers, one URL. */
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { loadConfig } from "../../agent-sdk/src/config.ts";
import { objectUrl } from "../../agent-sdk/src/s3/object-url.ts";
import { createS3Client } from "../../agent-sdk/src/s3/s3-client.ts";
import { windowStart } from "../../contract/stable-url.ts";
import { createUrlSigner } from "../../convex/model/presign.ts";

const KEYS = [
  "t/acme/a.mp4",
  "t/acme/größe & co/scene 1.mp4",
  "t/acme/emoji-🎬+%41?.mp4",
  "t/acme/(a)'*!.mp4",
];
const CREDENTIALS = { accessKeyId: "AKIATEST", secretAccessKey: "secret", sessionToken: "session" };

test("the moment of signing stays for half of the URL's life, and leaves at least the other half", () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.integer({ min: 60, max: 604_800 }),
      fc.integer({ min: 1e12, max: 4e12 }),
      (key, life, now) => {
        const start = windowStart(key, now, life);
        expect(start).toBeLessThanOrEqual(now);
        expect(start + life * 1000 - now).toBeGreaterThanOrEqual((life * 1000) / 2);
        expect(windowStart(key, start, life)).toBe(start);
        expect(start % 1000).toBe(0);
      },
    ),
  );
});

describe("the SDK's URL of an object is the players', byte for byte", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
  afterEach(() => void vi.useRealTimers());

  /** Both ends, configured alike; each of them as the other tests and the product configure it. */
  function bothSigners(options: { endpoint?: string; publicBaseUrl?: string }) {
    const place = { bucket: "reels", region: "eu-central-1", presignSeconds: 3600, ...options };
    const { s3 } = loadConfig({
      env: {},
      convexUrl: "http://127.0.0.1:1",
      agentToken: async () => "",
      s3: { ...place, ...CREDENTIALS },
    });
    const client = createS3Client(s3);
    const access = {
      ...place,
      base: "",
      credentials: CREDENTIALS,
      endpoint: options.endpoint,
      publicBaseUrl: options.publicBaseUrl,
      forcePathStyle: s3.forcePathStyle,
    };
    const sign = createUrlSigner(access, { download: false });
    return async (s3Key: string) => {
      const { url } = await sign({ bucket: "reels", s3Key, fileName: "a.mp4" });
      return [url, await objectUrl(client, s3, s3Key)] as const;
    };
  }

  test.each([
    ["on AWS", {}],
    ["on a store of one's own", { endpoint: "http://127.0.0.1:9000" }],
    ["behind a public address", { publicBaseUrl: "https://cdn.example/reels/" }],
  ])("%s, whatever the key and the moment", async (_where, options) => {
    const urls = bothSigners(options);
    for (const key of KEYS) {
      for (let minute = 0; minute < 120; minute += 7) {
        vi.setSystemTime(Date.UTC(2026, 10, 20, 10, minute, 31, 999));
        const [players, agents] = await urls(key);
        expect(agents).toBe(players);
      }
    }
  });
});
