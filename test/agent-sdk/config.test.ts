import { describe, expect, test } from "vitest";
import { loadConfig, type ReelsyncOptions } from "../../agent-sdk/src/config.ts";
import { MIB, MINUTE } from "../../contract/limits.ts";

const COMPLETE = {
  CONVEX_URL: "https://happy-cat-123.convex.cloud",
  REELSYNC_AGENT_KEY: "rsk_secret",
  AWS_REGION: "eu-west-1",
  AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
  AWS_SECRET_ACCESS_KEY: "very-secret",
  S3_BUCKET: "reels",
};

/** `options` as a JavaScript program may give them. */
function faultsOf(env: Record<string, string>, options: unknown = {}): string {
  try {
    loadConfig(isObject(options) ? { env, ...options } : (options as ReelsyncOptions));
  } catch (error) {
    expect(error).toMatchObject({ code: "CONFIG_INVALID", retryable: false });
    return (error as Error).message;
  }
  throw new Error("nothing was refused");
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

describe("what a complete environment gives", () => {
  test("a frozen configuration with every default filled in", () => {
    const config = loadConfig({ env: COMPLETE });
    expect(config).toMatchObject({
      convexUrl: "https://happy-cat-123.convex.cloud",
      auth: { kind: "key", tokenUrl: "https://happy-cat-123.convex.site/agent/token" },
      timeoutMs: 15 * MINUTE,
      deadLetterDir: ".reelsync/dead-letters",
      retry: { attempts: 3, baseDelayMs: 1000, maxDelayMs: 60_000 },
      s3: {
        bucket: "reels",
        region: "eu-west-1",
        multipartThreshold: 64 * MIB,
        maxAttempts: 10,
        forcePathStyle: false,
      },
    });
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.s3)).toBe(true);
  });

  test("options win over variables, canonical names over aliases, and an empty variable counts as unset", () => {
    const env = { ...COMPLETE, S3_BUCKET: "", S3_BUCKET_NAME: "alias", STORAGE_S3_BUCKET: "older" };
    expect(loadConfig({ env }).s3.bucket).toBe("alias");
    expect(loadConfig({ env: { ...env, S3_BUCKET: "canonical" } }).s3.bucket).toBe("canonical");
    expect(loadConfig({ env, s3: { bucket: "option" } }).s3.bucket).toBe("option");
  });

  test("a threshold is read in MiB by its canonical name and in bytes by its alias", () => {
    expect(loadConfig({ env: { ...COMPLETE, S3_MULTIPART_THRESHOLD_MB: "5" } }).s3.multipartThreshold).toBe(
      5 * MIB,
    );
    expect(
      loadConfig({ env: { ...COMPLETE, S3_MULTIPART_THRESHOLD: "6000000" } }).s3.multipartThreshold,
    ).toBe(6_000_000);
  });

  test.each([
    ["auto", "http://127.0.0.1:9000", true],
    ["auto", "https://s3.studio.example", false],
    ["auto", undefined, false],
    ["always", "https://s3.studio.example", true],
    ["never", "http://127.0.0.1:9000", false],
  ])("parts are signed where no TLS guards them, unless it is said: %s for %s", (asked, endpoint, signed) => {
    const env = { ...COMPLETE, ...(endpoint !== undefined && { S3_ENDPOINT_URL: endpoint }) };
    expect(loadConfig({ env: { ...env, S3_SIGN_PARTS: asked } }).s3.signsParts).toBe(signed);
    if (asked === "auto") expect(loadConfig({ env }).s3.signsParts).toBe(signed);
  });

  test("a store with an endpoint of its own is spoken to by path and needs no region", () => {
    const { AWS_REGION: _, ...env } = { ...COMPLETE, S3_ENDPOINT_URL: "http://127.0.0.1:9000" };
    expect(loadConfig({ env }).s3).toMatchObject({ region: "us-east-1", forcePathStyle: true });
    expect(loadConfig({ env: { ...env, S3_FORCE_PATH_STYLE: "false" } }).s3.forcePathStyle).toBe(false);
  });

  test("files kept in a folder need no bucket, and its settings have their own names", () => {
    const { CONVEX_URL, REELSYNC_AGENT_KEY } = COMPLETE;
    const env = { CONVEX_URL, REELSYNC_AGENT_KEY, STORAGE_TYPE: "local", STORAGE_LOCAL_PATH: "/srv/reels" };
    expect(loadConfig({ env: { ...env, STORAGE_LOCAL_MAX_SIZE_GB: "1.5" } })).toMatchObject({
      storageType: "LOCAL",
      local: { dir: "/srv/reels", maxBytes: 1.5 * 1024 * MIB },
    });
    expect(loadConfig({ env: { ...COMPLETE, STORAGE_S3_MAX_SIZE_GB: "2" } })).toMatchObject({
      storageType: "S3",
      s3: { maxBytes: 2 * 1024 * MIB },
      local: { dir: ".reelsync/storage" },
    });
  });

  test("the folders of the older layout have their own names, with and without slashes", () => {
    const env = { ...COMPLETE, S3_VIDEOS_PREFIX: "/clips", S3_TEMP_PREFIX: "clips/scratch//" };
    expect(loadConfig({ env, stages: { processed: "done" } }).stages).toEqual({
      videos: "clips/",
      transcripts: "transcripts/",
      temp: "clips/scratch/",
      processed: "done/",
    });
  });

  test("a token minted elsewhere needs neither an agent key nor a site URL", () => {
    const { REELSYNC_AGENT_KEY: _, ...env } = { ...COMPLETE, CONVEX_URL: "https://convex.studio.example" };
    const config = loadConfig({ env, agentToken: async () => "token" });
    expect(config.auth.kind).toBe("token");
  });
});

describe("[G7] what a wrong environment gets", () => {
  test("one message that names every missing variable and what to set it to", () => {
    const message = faultsOf({});
    for (const name of [
      "CONVEX_URL",
      "REELSYNC_AGENT_KEY",
      "S3_BUCKET",
      "AWS_REGION",
      "AWS_ACCESS_KEY_ID",
      "AWS_SECRET_ACCESS_KEY",
    ]) {
      expect(message).toContain(`${name} is missing: set it to `);
    }
  });

  test("wrong values are quoted with the reason", () => {
    const message = faultsOf({
      ...COMPLETE,
      CONVEX_URL: "happy-cat",
      S3_MAX_ATTEMPTS: "many",
      S3_FORCE_PATH_STYLE: "maybe",
      S3_MULTIPART_THRESHOLD_MB: "1",
      S3_PRESIGN_EXPIRATION: "604801",
      STORAGE_TYPE: "FTP",
      STORAGE_LOCAL_SIGNING_KEY: "too short",
    });
    expect(message).toContain('CONVEX_URL is wrong ("happy-cat": expected a http(s) URL)');
    expect(message).toContain('S3_MAX_ATTEMPTS is wrong ("many": expected a number)');
    expect(message).toContain('S3_FORCE_PATH_STYLE is wrong ("maybe": expected true or false)');
    expect(message).toContain('STORAGE_TYPE is wrong ("FTP": expected S3 or LOCAL)');
    expect(message).toContain("STORAGE_LOCAL_SIGNING_KEY is wrong (expected at least 16 characters)");
  });

  test("a site URL that cannot be derived is asked for", () => {
    expect(faultsOf({ ...COMPLETE, CONVEX_URL: "http://127.0.0.1:3210" })).toContain(
      "CONVEX_SITE_URL is missing",
    );
  });

  test.each([
    ["S3_MULTIPART_THRESHOLD_MB", "1", "out of range", "MiB, 5 to 5120"],
    ["S3_MULTIPART_THRESHOLD_MB", "some", "expected a number", "MiB, 5 to 5120"],
    ["S3_MULTIPART_THRESHOLD", "100", "out of range", "bytes, 5242880 to 5368709120"],
    ["S3_MULTIPART_THRESHOLD", "6000000.5", "expected a whole number", "bytes, 5242880 to 5368709120"],
    ["S3_PRESIGN_EXPIRATION", "604801", "out of range", "seconds, 60 to 604800"],
    ["S3_PRESIGNED_URL_EXPIRY", "59", "out of range", "seconds, 60 to 604800"],
    ["S3_MAX_ATTEMPTS", "-1", "out of range", "attempts of a single request, 1 to 20"],
    ["STORAGE_S3_MAX_SIZE_GB", "0", "out of range", "GiB, more than 0, or leave it unset for no limit"],
    [
      "S3_BUCKET",
      "My Bucket",
      "expected letters, digits, dots, hyphens and underscores",
      "the bucket's name",
    ],
    [
      "S3_BUCKET",
      "reels/2026",
      "expected letters, digits, dots, hyphens and underscores",
      "the bucket's name",
    ],
    [
      "S3_BUCKET",
      "My_Bucket!",
      "expected letters, digits, dots, hyphens and underscores",
      "the bucket's name",
    ],
  ])("%s=%s is quoted as it was written, with what is wrong and what is allowed", (name, value, why, to) => {
    const message = faultsOf({ ...COMPLETE, [name]: value });
    expect(message).toContain(`${name} is wrong ("${value}": ${why}): set it to ${to}`);
  });

  test.each(["reels", "My_Bucket", "a.b-c", "studio:reels"])("some store has the bucket %s", (bucket) => {
    expect(loadConfig({ env: { ...COMPLETE, S3_BUCKET: bucket } }).s3.bucket).toBe(bucket);
  });

  test("wrong options are said in one line, each by the name it was given under", () => {
    const message = faultsOf(COMPLETE, {
      retry: { attempts: 0, baseDelayMs: "soon" },
      journal: { maxEntries: 0.5 },
      s3: { multipartThreshold: 100, maxBytes: 0 },
      local: { dir: 7 },
      agentName: () => "render-1",
      timeoutMs: Number.NaN,
    });
    for (const fault of [
      "option retry.attempts is wrong (0: out of range): set it to attempts of a step, 1 to 100",
      'option retry.baseDelayMs is wrong ("soon": expected a number): set it to milliseconds, 0 or more',
      "option journal.maxEntries is wrong (0.5: out of range): set it to uploads, 1 or more",
      "option s3.multipartThreshold is wrong (100: out of range): set it to bytes, 5242880 to 5368709120",
      "option s3.maxBytes is wrong (0: out of range): set it to bytes, 1 or more, or leave it unset for no limit",
      "option local.dir is wrong (7: expected a text): set it to a writable folder",
      "option agentName is wrong (a function: expected a text): set it to a name for this machine",
      "option timeoutMs is wrong (NaN: expected a number): set it to milliseconds, at least 1000",
    ]) {
      expect(message).toContain(fault);
    }
    expect(message).not.toContain("\n");
    expect(loadConfig({ env: COMPLETE, retry: { attempts: 8 } }).retry).toMatchObject({
      attempts: 8,
      baseDelayMs: 1000,
    });
  });

  test("an option that does not exist is refused with the one that was meant, not ignored", () => {
    const message = faultsOf(COMPLETE, {
      mod: "strict",
      s3: { buckets: "x" },
      retry: { attempt: 3 },
      bucket: "reels",
      zoo: "red",
      undefinedOnPurpose: undefined,
    });
    for (const fault of [
      "option mod is not known: did you mean mode?",
      "option s3.buckets is not known: did you mean s3.bucket?",
      "option retry.attempt is not known: did you mean retry.attempts?",
      "option bucket is not known: did you mean s3.bucket?",
      "option zoo is not known: leave it out",
    ]) {
      expect(message).toContain(fault);
    }
    expect(message).not.toContain("undefinedOnPurpose");
  });

  test("credentials of the AWS SDK may be spread with what it adds to them", () => {
    const credentials = { accessKeyId: "AKIA1", secretAccessKey: "s", expiration: new Date(), $source: {} };
    expect(loadConfig({ env: COMPLETE, s3: { ...credentials } }).s3.accessKeyId).toBe("AKIA1");
  });

  test("options of another kind are refused, without showing what may be a secret", () => {
    const message = faultsOf(COMPLETE, { agentToken: "very-secret", s3: "very-secret", retry: [3] });
    for (const fault of [
      "option agentToken is wrong (a string): set it to a function that answers with a token",
      "option s3 is wrong (a string): set it to an object",
      "option retry is wrong (a list): set it to an object",
    ]) {
      expect(message).toContain(fault);
    }
    expect(message).not.toContain("very-secret");
    expect(faultsOf({}, null)).toContain("options is wrong (null): set it to an object, or leave it out");
    expect(faultsOf({}, { env: "production" })).toContain("option env is wrong (a string)");
  });

  test.each([
    ["/", "expected a folder's name"],
    ["a/../b", "expected a folder's name"],
    ["t/studio", "the objects of records are there"],
    ["quarantine", "the objects of records are there"],
    ["videos/", "videos/ lies in it"],
    ["processed", "processed/ lies in it"],
  ])("temporary objects are removed, so S3_TEMP_PREFIX is not %s", (value, why) => {
    const message = faultsOf({ ...COMPLETE, S3_TEMP_PREFIX: value });
    expect(message).toContain("S3_TEMP_PREFIX is wrong");
    expect(message).toContain(why);
  });

  test("an agent key that cannot be one is refused unseen", () => {
    const message = faultsOf({ ...COMPLETE, REELSYNC_AGENT_KEY: "AKIAVERYSECRET" });
    expect(message).toContain("REELSYNC_AGENT_KEY is wrong (expected a key that begins with rsk_)");
    expect(message).not.toContain("AKIAVERYSECRET");
  });

  test("no secret appears in a message", () => {
    const env = { ...COMPLETE, S3_BUCKET: "" };
    const message = faultsOf(env);
    expect(message).not.toContain("very-secret");
    expect(message).not.toContain("rsk_secret");
  });
});
