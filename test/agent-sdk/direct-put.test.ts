/** What the direct PutObject sends, against what the AWS SDK would have sent, at a real server that only writes down. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createHash, randomBytes } from "node:crypto";
import { PutObjectCommand, type PutObjectCommandInput } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../../agent-sdk/src/config.ts";
import { putObject } from "../../agent-sdk/src/s3/direct-put.ts";
import { withBodyDigest } from "../../agent-sdk/src/s3/request-s3.ts";
import { createS3Client } from "../../agent-sdk/src/s3/s3-client.ts";

interface Received {
  line: string;
  headers: IncomingHttpHeaders;
  body: string;
}

const received: Received[] = [];
const answers: { status: number; headers?: Record<string, string>; body?: string }[] = [];
const server = createServer((request, response) => {
  const digest = createHash("sha256");
  request.on("data", (chunk: Buffer) => digest.update(chunk));
  request.on("end", () => {
    received.push({
      line: `${request.method} ${request.url}`,
      headers: request.headers,
      body: digest.digest("hex"),
    });
    const { status, headers, body } = answers.shift() ?? { status: 200, headers: { etag: '"seen"' } };
    response.writeHead(status, headers).end(body);
  });
});
let endpoint = "";
beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function open() {
  const env = { CONVEX_URL: "http://127.0.0.1:9", CONVEX_SITE_URL: "http://127.0.0.1:9" };
  const keys = { accessKeyId: "id", secretAccessKey: "secret", sessionToken: "token/+=" };
  const { s3 } = loadConfig({ env, agentKey: "rsk_x", s3: { bucket: "bucket", endpoint, ...keys } });
  return createS3Client(s3);
}

const body = randomBytes(1000);
const sha256 = createHash("sha256").update(body).digest("hex");
const never = { abortSignal: new AbortController().signal, onFailure: () => undefined };

/** Without what is different in every request. */
function lasting({ line, headers, body: sent }: Received) {
  const {
    authorization = "",
    "x-amz-date": _date,
    "amz-sdk-invocation-id": _id,
    "amz-sdk-request": _attempt,
    "user-agent": _agent,
    ...rest
  } = headers;
  const signed = (/SignedHeaders=([^,]+)/.exec(authorization)?.[1] ?? "")
    .split(";")
    .filter((name) => !name.startsWith("amz-sdk-"));
  return { line, headers: rest, body: sent, signed };
}

describe("a direct PutObject", () => {
  const inputs: Record<string, Partial<PutObjectCommandInput>> = {
    "with all that an upload says": {
      ContentType: "video/mp4",
      CacheControl: "private, max-age=31536000, immutable",
      Metadata: { sha256 },
    },
    "under KMS and an ACL": { ServerSideEncryption: "aws:kms", SSEKMSKeyId: "key", ACL: "public-read" },
    "under a key that needs escaping": { Key: "a b/c+d&e=f/é!'()*~/😀.mp4" },
  };

  test.each(Object.entries(inputs))("%s is the request the AWS SDK makes", async (_what, given) => {
    const client = open();
    const input = { Bucket: "bucket", Key: "folder/file.mp4", ...given };
    received.length = 0;
    await putObject(client, input, body, sha256, never);
    await client.send(withBodyDigest(new PutObjectCommand({ ...input, Body: body }), sha256));
    const [direct, sdk] = received.map(lasting);
    expect(direct?.body).toBe(sha256);
    expect(direct).toEqual(sdk);
  });

  test("keeps nothing of one object for the next", async () => {
    const client = open();
    received.length = 0;
    const one = { Bucket: "bucket", Key: "one", ContentType: "video/mp4", Metadata: { of: "one" } };
    await putObject(client, one, body, sha256, never);
    await putObject(client, { Bucket: "bucket", Key: "two", Metadata: { of: "two" } }, body, sha256, never);
    const [first, second] = received;
    expect(first?.headers).toMatchObject({ "content-type": "video/mp4", "x-amz-meta-of": "one" });
    expect(second?.line).toBe("PUT /bucket/two?x-id=PutObject");
    expect(second?.headers["x-amz-meta-of"]).toBe("two");
    expect(second?.headers["content-type"]).not.toBe("video/mp4");
  });

  test("that is answered with an overload is repeated by the SDK, which counts the first attempt", async () => {
    const client = open();
    received.length = 0;
    answers.push({ status: 503, body: "<Error><Code>SlowDown</Code></Error>" });
    const input = { Bucket: "bucket", Key: "slow" };
    const answer = await putObject(client, input, body, sha256, never);
    expect(answer.$metadata.attempts).toBe(2);
    expect(answer.ETag).toBe('"seen"');
    expect(received).toHaveLength(2);
    expect(received[1]?.body).toBe(sha256);
  });

  test("that is refused is sent once, and its error is the SDK's", async () => {
    const client = open();
    received.length = 0;
    answers.push({ status: 403, body: "<Error><Code>AccessDenied</Code></Error>" });
    const put = putObject(client, { Bucket: "bucket", Key: "denied" }, body, sha256, never);
    await expect(put).rejects.toMatchObject({ Code: "AccessDenied", $metadata: { httpStatusCode: 403 } });
    expect(received).toHaveLength(1);
  });
});
