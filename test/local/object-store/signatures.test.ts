import { createHmac } from "node:crypto";
import { ListBucketsCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, test } from "vitest";
import { BUCKET, connect, CREDENTIALS, refusal, useObjectStore } from "./fixture.ts";
import {
  amzDate,
  request,
  send,
  sha256,
  signingKeyOf,
  signRequest,
  targetOf,
  type RawRequest,
} from "./raw-request.ts";

const fixture = useObjectStore();
const MINUTE_MS = 60_000;
const get = (raw: Partial<RawRequest> = {}) =>
  request(fixture.store.endpoint, { path: `/${BUCKET}/signed`, ...raw });

beforeAll(async () => {
  await fixture.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: "signed", Body: "content" }));
});

describe("[G6] signatures in the Authorization header", () => {
  test("an independent signer's requests are accepted", async () => {
    expect((await get()).body).toBe("content");
    expect((await get({ headers: { "x-amz-request-payer": "  a   b " } })).status).toBe(200);
    expect(
      (await get({ path: `/${BUCKET}`, query: "list-type=2&prefix=a%2Fb%20c&delimiter=%2F" })).status,
    ).toBe(200);
    expect((await get({ path: `/${BUCKET}/`, query: "prefix=si%2Bx&x-id=ListObjects&uploads" })).status).toBe(
      200,
    );
  });

  test.each<[string, Partial<RawRequest>, number, string]>([
    ["another secret", { secretAccessKey: "guess" }, 403, "SignatureDoesNotMatch"],
    ["an unknown key", { accessKeyId: "stranger" }, 403, "InvalidAccessKeyId"],
    [
      "a clock 16 minutes behind",
      { date: new Date(Date.now() - 16 * MINUTE_MS) },
      403,
      "RequestTimeTooSkewed",
    ],
    [
      "a clock 16 minutes ahead",
      { date: new Date(Date.now() + 16 * MINUTE_MS) },
      403,
      "RequestTimeTooSkewed",
    ],
    [
      "an x-amz- header that is not signed",
      { unsignedHeaders: { "x-amz-acl": "private" } },
      403,
      "AccessDenied",
    ],
    ["a session token", { headers: { "x-amz-security-token": "token" } }, 400, "InvalidToken"],
  ])("refused: %s", async (_, raw, status, code) => {
    expect(await get(raw)).toMatchObject({ status, code });
  });

  test("a client with a wrong clock learns the right time from the refusal", async () => {
    const s3 = connect(fixture.store, { systemClockOffset: 60 * MINUTE_MS });
    expect((await refusal(s3.send(new ListBucketsCommand({})))).code).toBe("RequestTimeTooSkewed");
    expect((await s3.send(new ListBucketsCommand({}))).Buckets).toHaveLength(1);
    s3.destroy();
  });

  test("refused: any part of the request changed after signing", async () => {
    const { endpoint } = fixture.store;
    const { headers } = signRequest(endpoint, { path: `/${BUCKET}/signed` });
    const changed = [
      { target: `/${BUCKET}/signee` },
      { target: `/${BUCKET}/signed?versionId=null` },
      { target: `/${BUCKET}/signed`, method: "DELETE" },
      { target: `/${BUCKET}/signed`, headers: { "x-amz-date": amzDate(new Date(Date.now() - MINUTE_MS)) } },
      { target: `/${BUCKET}/signed`, headers: { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" } },
    ];
    for (const { headers: replaced, ...rest } of changed) {
      const answer = await send(endpoint, { ...rest, headers: { ...headers, ...replaced } });
      expect(answer.code).toBe("SignatureDoesNotMatch");
    }
    const answer = await send(endpoint, { target: `/${BUCKET}/signee`, headers });
    expect(answer.body).toContain("<StringToSign>AWS4-HMAC-SHA256");
    expect(answer.body).toContain(`<CanonicalRequest>GET\n/${BUCKET}/signee`.replace("\n", "&#xa;"));
  });

  test.each([
    ["nothing", {}, 403, "AccessDenied"],
    ["signature version 2", { authorization: "AWS key:signature" }, 400, "InvalidRequest"],
    [
      "a header without its fields",
      { authorization: "AWS4-HMAC-SHA256 Credential=a" },
      400,
      "AuthorizationHeaderMalformed",
    ],
    ["another scheme", { authorization: "Bearer x" }, 400, "InvalidRequest"],
  ])("refused: %s", async (_, headers, status, code) => {
    expect(await send(fixture.store.endpoint, { target: `/${BUCKET}/signed`, headers })).toMatchObject({
      status,
      code,
    });
  });

  test("refused: a credential of another day, service or form; a missing payload hash; both ways at once", async () => {
    const { endpoint } = fixture.store;
    const { headers } = signRequest(endpoint, { path: `/${BUCKET}/signed` });
    const { authorization = "" } = headers;
    for (const [from, to] of [
      [/\/\d{8}\//, "/20200101/"],
      ["/s3/", "/ec2/"],
      ["aws4_request", "x"],
      ["host;", ""],
    ] as const) {
      const broken = { ...headers, authorization: authorization.replace(from, to) };
      const answer = await send(endpoint, { target: `/${BUCKET}/signed`, headers: broken });
      expect(answer.code).toBe("AuthorizationHeaderMalformed");
    }
    const { "x-amz-content-sha256": _, ...withoutHash } = headers;
    expect((await send(endpoint, { target: `/${BUCKET}/signed`, headers: withoutHash })).code).toBe(
      "InvalidRequest",
    );
    const both = { target: `/${BUCKET}/signed?X-Amz-Algorithm=AWS4-HMAC-SHA256`, headers };
    expect((await send(endpoint, both)).code).toBe("InvalidArgument");
  });

  test("paths are signed and used as sent: dots, double slashes, escapes and capitals stay apart", async () => {
    const paths = [
      "a/../b",
      "a/./b",
      "a//b",
      "a%2Fb%2525",
      "%C3%BC%20%2B",
      "%7Etilde",
      "~tilde2",
      "a%2e%2e/b",
    ];
    for (const [index, suffix] of paths.entries()) {
      const raw = { path: `/${BUCKET}/p${index}/${suffix}`, method: "PUT", body: suffix };
      expect((await request(fixture.store.endpoint, raw)).status).toBe(200);
    }
    for (const [index, suffix] of paths.entries()) {
      expect((await get({ path: `/${BUCKET}/p${index}/${suffix}` })).body).toBe(suffix);
    }
    expect((await get({ path: `/${BUCKET}/%ff` })).code).toBe("InvalidURI");
    expect((await get({ path: `/${BUCKET}/%zz` })).code).toBe("InvalidURI");
  });

  test("a laxly escaped path is accepted from a client that signed the strict spelling", async () => {
    const { endpoint } = fixture.store;
    const strict = `/${BUCKET}/lax%28%29%21%2B`;
    const { headers } = signRequest(endpoint, { method: "PUT", path: strict, body: "x" });
    const sent = {
      method: "PUT",
      target: `/${BUCKET}/lax()!+`,
      headers: { ...headers, "content-length": "1" },
      body: "x",
    };
    expect((await send(endpoint, sent)).status).toBe(200);
    expect((await get({ path: strict })).body).toBe("x");
  });
});

/** A presigned URL from the specification, independent of both the SDK and the server. */
function presign(raw: {
  method?: string;
  path: string;
  expires?: string;
  date?: Date;
  extra?: string;
}): string {
  const { method = "GET", path, expires = "60", date = new Date(), extra = "" } = raw;
  const timestamp = amzDate(date);
  const scope = `${timestamp.slice(0, 8)}/us-east-1/s3/aws4_request`;
  const query = [
    "X-Amz-Algorithm=AWS4-HMAC-SHA256",
    `X-Amz-Credential=${encodeURIComponent(`${CREDENTIALS.accessKeyId}/${scope}`)}`,
    `X-Amz-Date=${timestamp}`,
    `X-Amz-Expires=${expires}`,
    "X-Amz-SignedHeaders=host",
    ...(extra === "" ? [] : [extra]),
  ]
    .sort()
    .join("&");
  const host = new URL(fixture.store.endpoint).host;
  const canonical = `${method}\n${path}\n${query}\nhost:${host}\n\nhost\nUNSIGNED-PAYLOAD`;
  const text = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${sha256(canonical)}`;
  const key = signingKeyOf(CREDENTIALS.secretAccessKey, timestamp.slice(0, 8));
  return targetOf({
    path,
    query: `${query}&X-Amz-Signature=${createHmac("sha256", key).update(text).digest("hex")}`,
  });
}

describe("[G6] signatures in the query", () => {
  const visit = (raw: Parameters<typeof presign>[0], more = {}) =>
    send(fixture.store.endpoint, {
      target: presign(raw),
      ...(raw.method ? { method: raw.method } : {}),
      ...more,
    });
  const path = `/${BUCKET}/signed`;

  test("work until they expire, from 15 minutes before they begin", async () => {
    expect((await visit({ path })).body).toBe("content");
    expect((await visit({ path, date: new Date(Date.now() + 10 * MINUTE_MS) })).status).toBe(200);
    const expired = await visit({ path, date: new Date(Date.now() - 2 * MINUTE_MS) });
    expect(expired).toMatchObject({ status: 403, code: "AccessDenied" });
    expect(expired.body).toContain("Request has expired");
    const early = await visit({ path, date: new Date(Date.now() + 20 * MINUTE_MS) });
    expect(early).toMatchObject({ status: 403, code: "AccessDenied" });
  });

  test.each(["0", "-1", "604801", "soon", ""])("refused: a life of %j seconds", async (expires) => {
    expect((await visit({ path, expires })).code).toBe("AuthorizationQueryParametersError");
  });

  test("refused: another method, another key, a parameter added or removed, an unsigned x-amz- header", async () => {
    const { endpoint } = fixture.store;
    const target = presign({ path });
    const mismatch = [
      { target, method: "HEAD" },
      { target, method: "DELETE" },
      { target: target.replace("signed?", "other?") },
      { target: `${target}&response-content-type=text/html` },
    ];
    for (const each of mismatch) expect((await send(endpoint, each)).status).toBe(403);
    const put = presign({ path, method: "PUT" });
    const headers = { "x-amz-copy-source": `/${BUCKET}/other`, "content-length": "0" };
    expect(await send(endpoint, { target: put, method: "PUT", headers })).toMatchObject({
      status: 403,
      code: "AccessDenied",
    });
    expect((await send(endpoint, { target: target.replace(/X-Amz-Date=[^&]*&/, "") })).code).toBe(
      "AuthorizationQueryParametersError",
    );
  });

  test("headers carried in the query count: metadata is kept, a checksum is verified", async () => {
    const stored = await visit(
      { path: `/${BUCKET}/hoisted`, method: "PUT", extra: "x-amz-meta-scene=%C3%BC" },
      { body: "x" },
    );
    expect(stored.status).toBe(200);
    const head = await request(fixture.store.endpoint, { method: "HEAD", path: `/${BUCKET}/hoisted` });
    expect(Buffer.from(String(head.headers["x-amz-meta-scene"]), "latin1").toString("utf8")).toBe("ü");
    const ofNothing = {
      path: `/${BUCKET}/hoisted2`,
      method: "PUT",
      extra: "x-amz-checksum-crc32=AAAAAA%3D%3D",
    };
    expect((await visit(ofNothing, { body: "x" })).code).toBe("BadDigest");
  });
});
