import { createHash, createHmac } from "node:crypto";
import { readdir } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ChunkedDecoder } from "../../../local/object-store/chunked-body.ts";
import { BUCKET, connect, MIB, patternBytes, useObjectStore } from "./fixture.ts";
import { converse, headText, request, sha256, signRequest, type Signed } from "./raw-request.ts";

const fixture = useObjectStore();
const EMPTY = sha256("");

async function storedFiles(): Promise<string[]> {
  const files = await readdir(path.join(fixture.dataDir, "data"), { recursive: true });
  return files.map((file) => path.basename(file)).filter((name) => name.length === 32);
}

const read = (key: string) => request(fixture.store.endpoint, { path: `/${BUCKET}/${key}` });

/** An aws-chunked body with signed chunks, after the specification. */
function signedChunks(signed: Signed, chunks: Buffer[], trailer?: [name: string, value: string]): Buffer {
  const prefix = `${signed.timestamp}\n${signed.scope}`;
  const hmac = (text: string): string => createHmac("sha256", signed.signingKey).update(text).digest("hex");
  let previous = signed.signature;
  const pieces = [...chunks, Buffer.alloc(0)].map((chunk, index, all) => {
    previous = hmac(`AWS4-HMAC-SHA256-PAYLOAD\n${prefix}\n${previous}\n${EMPTY}\n${sha256(chunk)}`);
    const head = Buffer.from(`${chunk.length.toString(16)};chunk-signature=${previous}\r\n`);
    return Buffer.concat(index === all.length - 1 ? [head] : [head, chunk, Buffer.from("\r\n")]);
  });
  if (trailer === undefined) return Buffer.concat([...pieces, Buffer.from("\r\n")]);
  const [name, value] = trailer;
  const signature = hmac(`AWS4-HMAC-SHA256-TRAILER\n${prefix}\n${previous}\n${sha256(`${name}:${value}\n`)}`);
  return Buffer.concat([
    ...pieces,
    Buffer.from(`${name}:${value}\r\nx-amz-trailer-signature:${signature}\r\n\r\n`),
  ]);
}

function putChunked(key: string, content: Buffer[], build: (signed: Signed) => Buffer, hasTrailer = false) {
  const { endpoint } = fixture.store;
  const raw = {
    method: "PUT",
    path: `/${BUCKET}/${key}`,
    payloadHash: `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${hasTrailer ? "-TRAILER" : ""}`,
    headers: {
      "content-encoding": "aws-chunked",
      "x-amz-decoded-content-length": String(Buffer.concat(content).length),
      ...(hasTrailer ? { "x-amz-trailer": "x-amz-checksum-sha256" } : {}),
    },
    date: new Date(),
  };
  // The chunks continue the signature of the head, so both must be signed for the same second.
  return request(endpoint, { ...raw, body: build(signRequest(endpoint, raw)) });
}

describe("bodies in signed chunks", () => {
  const content = [patternBytes(70_000), patternBytes(8192, 2), Buffer.from("tail")];
  const trailer: [string, string] = [
    "x-amz-checksum-sha256",
    createHash("sha256").update(Buffer.concat(content)).digest("base64"),
  ];

  test("are decoded, verified and stored without their framing", async () => {
    expect((await putChunked("signed", content, (signed) => signedChunks(signed, content))).status).toBe(200);
    const stored = await putChunked(
      "trailed",
      content,
      (signed) => signedChunks(signed, content, trailer),
      true,
    );
    expect([stored.status, stored.headers["x-amz-checksum-sha256"]]).toEqual([200, trailer[1]]);
    for (const key of ["signed", "trailed"]) {
      const { headers, body } = await read(key);
      expect(headers["content-length"]).toBe(String(Buffer.concat(content).length));
      expect(headers["content-encoding"]).toBeUndefined();
      expect(body.endsWith("tail")).toBe(true);
    }
  });

  test("[G7] are refused when a chunk, a signature, the order or the trailer was touched", async () => {
    const before = await storedFiles();
    const damage: ((body: Buffer) => Buffer)[] = [
      (body) => body.fill(body[40_000]! ^ 1, 40_000, 40_001),
      (body) =>
        Buffer.from(body.toString("latin1").replace(/chunk-signature=./, "chunk-signature=x"), "latin1"),
      (body) => Buffer.from(body.toString("latin1").replace(/;chunk-signature=[0-9a-f]{64}/, ""), "latin1"),
    ];
    for (const harm of damage) {
      const answer = await putChunked("touched", content, (signed) => harm(signedChunks(signed, content)));
      expect([400, 403]).toContain(answer.status);
    }
    const swapped = [content[1]!, content[0]!, content[2]!];
    const reordered = await putChunked("touched", content, (signed) => {
      const genuine = signedChunks(signed, content);
      const other = signedChunks(signed, swapped);
      return Buffer.concat([other.subarray(0, 8192 + 90), genuine.subarray(8192 + 90)]);
    });
    expect(reordered.status).not.toBe(200);
    const forged = await putChunked(
      "touched",
      content,
      (signed) =>
        Buffer.from(
          signedChunks(signed, content, trailer)
            .toString("latin1")
            .replace(/(trailer-signature:)./, "$1x"),
          "latin1",
        ),
      true,
    );
    expect(forged.code).toBe("SignatureDoesNotMatch");
    expect((await read("touched")).code).toBe("NoSuchKey");
    expect(await storedFiles()).toEqual(before);
  });
});

describe("unsigned chunks", () => {
  const put = (body: string, length: string, headers: Record<string, string> = {}) =>
    request(fixture.store.endpoint, {
      method: "PUT",
      path: `/${BUCKET}/unsigned`,
      payloadHash: "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
      headers: { "x-amz-decoded-content-length": length, ...headers },
      body,
    });

  test.each([
    ["ends before its last chunk", "4\r\nabcd\r\n", "4", "IncompleteBody"],
    ["ends inside a chunk", "8\r\nabcd", "8", "IncompleteBody"],
    ["holds fewer bytes than announced", "4\r\nabcd\r\n0\r\n\r\n", "5", "IncompleteBody"],
    ["holds more bytes than announced", "4\r\nabcd\r\n0\r\n\r\n", "3", "IncompleteBody"],
    ["has a size that is no number", "z\r\nabcd\r\n0\r\n\r\n", "4", "InvalidRequest"],
    ["has a chunk longer than its size", "3\r\nabcd\r\n0\r\n\r\n", "4", "InvalidRequest"],
    ["has an endless size line", "0".repeat(20_000), "4", "InvalidRequest"],
    ["lacks the announced trailer", "4\r\nabcd\r\n0\r\n\r\n", "4", "InvalidRequest"],
  ])("[G7] a body that %s is refused", async (name, body, length, code) => {
    const headers: Record<string, string> = name.includes("trailer")
      ? { "x-amz-trailer": "x-amz-checksum-crc32" }
      : {};
    expect((await put(body, length, headers)).code).toBe(code);
    expect((await read("unsigned")).code).toBe("NoSuchKey");
  });

  test("any cutting of the wire bytes decodes to the same content and trailer", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 }),
        (chunks, cuts) => {
          const frames = chunks.map((chunk) =>
            Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n")]),
          );
          const wire = Buffer.concat([...frames, Buffer.from("0\r\nX-Amz-Checksum-Crc32: AAAA \r\n\r\n")]);
          const decoder = new ChunkedDecoder(undefined);
          const decoded: Buffer[] = [];
          for (let at = 0, turn = 0; at < wire.length; turn++) {
            const size = cuts[turn % cuts.length]!;
            decoded.push(...decoder.decode(wire.subarray(at, at + size)));
            at += size;
          }
          expect(Buffer.concat(decoded)).toEqual(Buffer.concat(chunks));
          expect(decoder.finish(true)).toEqual(new Map([["x-amz-checksum-crc32", "AAAA"]]));
        },
      ),
    );
  });
});

describe("bodies and connections", () => {
  test("[G7] a body cut short by a lost connection stores nothing", async () => {
    const before = await storedFiles();
    const body = patternBytes(2 * MIB);
    const target = `/${BUCKET}/cut`;
    const { headers } = signRequest(fixture.store.endpoint, { method: "PUT", path: target, body });
    await converse(fixture.store.endpoint, (socket) => {
      socket.write(headText("PUT", target, { ...headers, "content-length": String(body.length) }));
      socket.write(body.subarray(0, MIB), () => socket.destroy());
    });
    expect((await read("cut")).code).toBe("NoSuchKey");
    expect(await storedFiles()).toEqual(before);
  });

  test("[G7] a PUT without a length is 411", async () => {
    const raw = { method: "PUT", path: `/${BUCKET}/endless`, body: "x", headers: {} };
    const answer = await request(fixture.store.endpoint, {
      ...raw,
      unsignedHeaders: { "transfer-encoding": "chunked" },
    });
    expect(answer).toMatchObject({ status: 411, code: "MissingContentLength" });
  });

  test("a refused upload still gets its answer, and the connection goes on", async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const s3 = connect(fixture.store, { requestHandler: { httpAgent: agent } });
    const big = patternBytes(8 * MIB);
    const put = s3.send(new PutObjectCommand({ Bucket: "nosuch-bucket", Key: "k", Body: big }));
    await expect(put).rejects.toMatchObject({ name: "NoSuchBucket" });
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: "after", Body: "fine" }));
    expect((await read("after")).body).toBe("fine");
    s3.destroy();
  });

  /** Sends only the head of a PUT and reports what came before the body. */
  function expectContinue(
    key: string,
    bucket = BUCKET,
  ): Promise<{ continued: boolean; status: number; connection: string }> {
    const body = "waited for";
    const target = `/${bucket}/${key}`;
    const { headers } = signRequest(fixture.store.endpoint, { method: "PUT", path: target, body });
    const { hostname, port } = new URL(fixture.store.endpoint);
    return new Promise((resolve, reject) => {
      let continued = false;
      const outgoing = http.request({
        hostname,
        port,
        method: "PUT",
        path: target,
        agent: false,
        headers: { ...headers, expect: "100-Continue", "content-length": String(body.length) },
      });
      outgoing.on("continue", () => {
        continued = true;
        outgoing.end(body);
      });
      outgoing.on("response", (response) => {
        response.resume();
        outgoing.destroy();
        resolve({
          continued,
          status: response.statusCode ?? 0,
          connection: response.headers.connection ?? "",
        });
      });
      outgoing.on("error", reject);
      outgoing.flushHeaders();
    });
  }

  test("Expect: 100-continue is answered once the head is known to be good", async () => {
    expect(await expectContinue("expected")).toMatchObject({ continued: true, status: 200 });
    expect((await read("expected")).body).toBe("waited for");
  });

  test("Expect: 100-continue of a request that will fail gets the failure, no 100, and a closed connection", async () => {
    expect(await expectContinue("expected", "nosuch-bucket")).toEqual({
      continued: false,
      status: 404,
      connection: "close",
    });
  });
});
