import {
  DeleteBucketCorsCommand,
  DeleteObjectCommand,
  GetBucketCorsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketCorsCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { describe, expect, test } from "vitest";
import { BUCKET, connect, refusal, useObjectStore } from "./fixture.ts";
import { send } from "./raw-request.ts";

const fixture = useObjectStore({ corsOrigins: ["http://app.test", "http://*.preview.test"] });
const plain = () =>
  connect(fixture.store, {
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
const at = (Key: string) => ({ Bucket: BUCKET, Key });
const RULES = {
  CORSRules: [
    {
      ID: "player",
      AllowedOrigins: ["*"],
      AllowedMethods: ["GET", "HEAD"],
      AllowedHeaders: ["range", "x-amz-*"],
      ExposeHeaders: ["ETag", "x-amz-meta-sha256"],
      MaxAgeSeconds: 600,
    },
  ],
};

describe("presigned URLs from the SDK", () => {
  test("upload, read, check and delete without credentials at hand", async () => {
    const s3 = plain();
    const put = await fetch(await getSignedUrl(s3, new PutObjectCommand(at("via url ü+"))), {
      method: "PUT",
      body: "hello",
    });
    expect(put.status).toBe(200);
    const url = await getSignedUrl(
      s3,
      new GetObjectCommand({ ...at("via url ü+"), ResponseContentType: "video/mp4" }),
    );
    const range = await fetch(url, { headers: { range: "bytes=1-3" } });
    expect([range.status, range.headers.get("content-type"), await range.text()]).toEqual([
      206,
      "video/mp4",
      "ell",
    ]);
    const head = await fetch(await getSignedUrl(s3, new HeadObjectCommand(at("via url ü+"))), {
      method: "HEAD",
    });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "5"]);
    const removed = await fetch(await getSignedUrl(s3, new DeleteObjectCommand(at("via url ü+"))), {
      method: "DELETE",
    });
    expect(removed.status).toBe(204);
    expect((await fetch(url)).status).toBe(404);
  });

  test("a signed content length caps the upload", async () => {
    const command = new PutObjectCommand({ ...at("capped"), ContentLength: 3 });
    const url = await getSignedUrl(plain(), command, {
      signableHeaders: new Set(["host", "content-length"]),
    });
    expect((await fetch(url, { method: "PUT", body: "abcd" })).status).toBe(403);
    expect((await fetch(url, { method: "PUT", body: "abc" })).status).toBe(200);
  });

  test("the same window gives the same URL, and it works", async () => {
    const s3 = plain();
    await s3.send(new PutObjectCommand({ ...at("windowed"), Body: "w" }));
    const windowMs = 3_600_000;
    const signingDate = new Date(Math.floor(Date.now() / windowMs) * windowMs);
    const sign = () =>
      getSignedUrl(s3, new GetObjectCommand(at("windowed")), { signingDate, expiresIn: 7200 });
    const [first, second] = [await sign(), await sign()];
    expect(second).toBe(first);
    expect((await fetch(first)).status).toBe(200);
  });
});

describe("cross-origin requests", () => {
  const preflight = (headers: Record<string, string>, path = `/${BUCKET}/x`) =>
    send(fixture.store.endpoint, { method: "OPTIONS", target: path, headers });
  const PREFLIGHT = { origin: "http://app.test", "access-control-request-method": "PUT" };

  test("a bucket without rules answers the origins given at start, and no others", async () => {
    const allowed = await preflight({
      ...PREFLIGHT,
      "access-control-request-headers": "Content-Type, x-amz-meta-a",
    });
    expect(allowed.status).toBe(200);
    expect(allowed.headers).toMatchObject({
      "access-control-allow-origin": "http://app.test",
      "access-control-allow-methods": "GET, PUT, POST, DELETE, HEAD",
      "access-control-allow-headers": "content-type, x-amz-meta-a",
      "access-control-max-age": "3600",
      vary: "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    });
    expect((await preflight({ ...PREFLIGHT, origin: "http://a.preview.test" })).status).toBe(200);
    expect(await preflight({ ...PREFLIGHT, origin: "http://evil.test" })).toMatchObject({
      status: 403,
      code: "AccessForbidden",
    });
    expect((await preflight({})).code).toBe("BadRequest");
  });

  test("errors, 304 and 206 carry the headers too, and Vary is always there", async () => {
    const s3 = plain();
    const { ETag } = await s3.send(new PutObjectCommand({ ...at("shared"), Body: "0123" }));
    const url = await getSignedUrl(s3, new GetObjectCommand(at("shared")));
    const target = url.slice(fixture.store.endpoint.length);
    const origin = "http://app.test";
    const answers = await Promise.all([
      send(fixture.store.endpoint, { target, headers: { origin } }),
      send(fixture.store.endpoint, { target, headers: { origin, range: "bytes=0-1" } }),
      send(fixture.store.endpoint, { target, headers: { origin, "if-none-match": ETag! } }),
      send(fixture.store.endpoint, { target, headers: { origin, range: "bytes=9-" } }),
      send(fixture.store.endpoint, { target: `/${BUCKET}/x`, headers: { origin } }),
      send(fixture.store.endpoint, { target: "/nosuch-bucket/x", headers: { origin } }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 206, 304, 416, 403, 403]);
    for (const { headers } of answers) {
      expect(headers["access-control-allow-origin"]).toBe(origin);
      expect(headers["access-control-expose-headers"]).toContain("ETag");
    }
    expect(answers[2].headers.etag).toBe(ETag);
    const without = await send(fixture.store.endpoint, { target });
    expect([without.headers["access-control-allow-origin"], without.headers.vary]).toEqual([
      undefined,
      answers[0].headers.vary,
    ]);
    const stranger = await send(fixture.store.endpoint, { target, headers: { origin: "http://evil.test" } });
    expect([stranger.status, stranger.headers["access-control-allow-origin"]]).toEqual([200, undefined]);
  });

  test("a bucket's own rules replace the default until they are deleted", async () => {
    const get = () => fixture.s3.send(new GetBucketCorsCommand({ Bucket: BUCKET }));
    expect((await refusal(get())).code).toBe("NoSuchCORSConfiguration");
    await fixture.s3.send(new PutBucketCorsCommand({ Bucket: BUCKET, CORSConfiguration: RULES }));
    expect((await get()).CORSRules).toEqual(RULES.CORSRules);

    const any = { origin: "http://anywhere.test", "access-control-request-method": "GET" };
    const answer = await preflight({ ...any, "access-control-request-headers": "range,x-amz-foo" });
    expect(answer.headers).toMatchObject({
      "access-control-allow-origin": "*",
      "access-control-max-age": "600",
    });
    expect(answer.headers["access-control-allow-credentials"]).toBeUndefined();
    expect((await preflight({ ...any, "access-control-request-headers": "x-other" })).status).toBe(403);
    expect((await preflight({ ...any, "access-control-request-method": "PUT" })).status).toBe(403);
    await fixture.s3.send(new DeleteBucketCorsCommand({ Bucket: BUCKET }));
    expect((await preflight(any)).status).toBe(403);
  });

  test("[G7] impossible rules are refused", async () => {
    const put = (rule: object) => {
      const CORSRules = [{ ...RULES.CORSRules[0]!, ...rule }];
      return refusal(
        fixture.s3.send(new PutBucketCorsCommand({ Bucket: BUCKET, CORSConfiguration: { CORSRules } })),
      );
    };
    expect((await put({ AllowedMethods: ["PATCH"] })).code).toBe("InvalidRequest");
    expect((await put({ AllowedOrigins: ["http://*.*"] })).code).toBe("InvalidRequest");
    expect((await put({ AllowedOrigins: [] })).code).toBe("MalformedXML");
  });
});
