import { Readable } from "node:stream";
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
  type ChecksumType,
} from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import { BUCKET, MIB, patternBytes, refusal, useObjectStore } from "./fixture.ts";
import { request } from "./raw-request.ts";

const fixture = useObjectStore();

/** Published check values of "123456789", written as S3 writes them. */
const CHECK_VALUES = {
  CRC32: "y/Q5Jg==",
  CRC32C: "4waSgw==",
  CRC64NVME: "rosUhgp5mIg=",
  SHA1: "98O8HYCOBHMq32eZZczDTKeuNEE=",
  SHA256: "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
} as const;
const ALGORITHMS = Object.keys(CHECK_VALUES) as (keyof typeof CHECK_VALUES)[];
const DIGITS = "123456789";

const checksumOf = (answer: object, algorithm: string): unknown =>
  (answer as Record<string, unknown>)[`Checksum${algorithm}`];

describe.each(ALGORITHMS)("checksum %s", (algorithm) => {
  const header = `x-amz-checksum-${algorithm.toLowerCase()}`;

  test("sent with a buffer or in the trailer of a stream: verified, echoed, stored, returned on request", async () => {
    const bodies = { buffer: DIGITS, stream: Readable.from([Buffer.from("1234"), Buffer.from("56789")]) };
    for (const [name, Body] of Object.entries(bodies)) {
      const target = { Bucket: BUCKET, Key: `${algorithm}/${name}` };
      const put = await fixture.s3.send(
        new PutObjectCommand({ ...target, Body, ContentLength: DIGITS.length, ChecksumAlgorithm: algorithm }),
      );
      expect(checksumOf(put, algorithm)).toBe(CHECK_VALUES[algorithm]);
      const get = await fixture.s3.send(new GetObjectCommand({ ...target, ChecksumMode: "ENABLED" }));
      expect([checksumOf(get, algorithm), get.ChecksumType]).toEqual([
        CHECK_VALUES[algorithm],
        "FULL_OBJECT",
      ]);
      // The SDK itself verifies the value while it reads.
      expect(await get.Body!.transformToString()).toBe(DIGITS);
      const head = await fixture.s3.send(new HeadObjectCommand(target));
      expect(checksumOf(head, algorithm)).toBeUndefined();
    }
  });

  test("[G7] a wrong value is refused, in header and trailer, and stores nothing", async () => {
    const wrong = `${CHECK_VALUES[algorithm].startsWith("A") ? "B" : "A"}${CHECK_VALUES[algorithm].slice(1)}`;
    const target = { Bucket: BUCKET, Key: `${algorithm}/wrong` };
    const put = new PutObjectCommand({ ...target, Body: DIGITS, [`Checksum${algorithm}`]: wrong });
    expect(await refusal(fixture.s3.send(put))).toEqual({ code: "BadDigest", status: 400 });

    const trailer = (value: string) =>
      request(fixture.store.endpoint, {
        method: "PUT",
        path: `/${BUCKET}/${algorithm}/wrong`,
        payloadHash: "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        headers: { "x-amz-trailer": header, "x-amz-decoded-content-length": "9" },
        body: `9\r\n${DIGITS}\r\n0\r\n${header}:${value}\r\n\r\n`,
      });
    expect((await trailer(wrong)).code).toBe("BadDigest");
    expect((await refusal(fixture.s3.send(new HeadObjectCommand(target)))).status).toBe(404);
    expect((await trailer(CHECK_VALUES[algorithm])).status).toBe(200);
  });

  test.each(["COMPOSITE", "FULL_OBJECT"] as ChecksumType[])(
    "of a multipart upload, type %s",
    async (type) => {
      const target = { Bucket: BUCKET, Key: `${algorithm}/${type}` };
      const create = fixture.s3.send(
        new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: algorithm, ChecksumType: type }),
      );
      const isDefined = type === "COMPOSITE" ? algorithm !== "CRC64NVME" : algorithm.startsWith("CRC");
      if (!isDefined) {
        expect((await refusal(create)).code).toBe("InvalidRequest");
        return;
      }
      const { UploadId } = await create;
      const bodies = [patternBytes(5 * MIB, 1), patternBytes(5 * MIB, 2), Buffer.from(DIGITS)];
      const Parts = [];
      for (const [index, Body] of bodies.entries()) {
        const PartNumber = index + 1;
        const sent = await fixture.s3.send(
          new UploadPartCommand({
            ...target,
            UploadId,
            PartNumber,
            Body,
            ChecksumAlgorithm: algorithm,
          }),
        );
        Parts.push({ PartNumber, ETag: sent.ETag, [`Checksum${algorithm}`]: checksumOf(sent, algorithm) });
      }
      const wrongPart = { ...Parts[0], [`Checksum${algorithm}`]: CHECK_VALUES[algorithm] };
      const complete = (MultipartUpload: object, more = {}) =>
        fixture.s3.send(
          new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload, ...more }),
        );
      expect((await refusal(complete({ Parts: [wrongPart, ...Parts.slice(1)] }))).code).toBe("InvalidPart");
      if (type === "FULL_OBJECT") {
        const wrong = { [`Checksum${algorithm}`]: CHECK_VALUES[algorithm], ChecksumType: type };
        expect((await refusal(complete({ Parts }, wrong))).code).toBe("BadDigest");
      }
      const done = await complete({ Parts }, { ChecksumType: type });

      // The reference: the same bytes in one PUT, verified by the SDK's own computation.
      const whole = await fixture.s3.send(
        new PutObjectCommand({
          Bucket: BUCKET,
          Key: "whole",
          Body: Buffer.concat(bodies),
          ChecksumAlgorithm: algorithm,
        }),
      );
      const value = String(checksumOf(done, algorithm));
      if (type === "FULL_OBJECT") expect(value).toBe(checksumOf(whole, algorithm));
      else expect(value).toMatch(/^[A-Za-z0-9+/]+=*-3$/);
      const attributes = await fixture.s3.send(
        new GetObjectAttributesCommand({ ...target, ObjectAttributes: ["Checksum"] }),
      );
      expect(attributes.Checksum).toMatchObject({ [`Checksum${algorithm}`]: value, ChecksumType: type });
      const get = await fixture.s3.send(new GetObjectCommand({ ...target, ChecksumMode: "ENABLED" }));
      expect((await get.Body!.transformToByteArray()).length).toBe(10 * MIB + 9);

      // A copy is a whole object again.
      const copy = await fixture.s3.send(
        new CopyObjectCommand({
          Bucket: BUCKET,
          Key: `${algorithm}/copy`,
          CopySource: `${BUCKET}/${target.Key}`,
        }),
      );
      expect(checksumOf(copy.CopyObjectResult!, algorithm)).toBe(checksumOf(whole, algorithm));
    },
  );
});

describe("[G7] digests the client gets wrong", () => {
  const put = (headers: Record<string, string>, more = {}) =>
    request(fixture.store.endpoint, {
      method: "PUT",
      path: `/${BUCKET}/refused`,
      body: DIGITS,
      headers,
      ...more,
    });

  test.each([
    ["Content-MD5 of other bytes", { "content-md5": "XrY7u+Ae7tCTyyK7j1rNww==" }, "BadDigest"],
    ["Content-MD5 that is none", { "content-md5": "nonsense" }, "InvalidDigest"],
    ["a checksum that is none", { "x-amz-checksum-crc32": "nonsense" }, "InvalidRequest"],
    [
      "two checksums",
      { "x-amz-checksum-crc32": "y/Q5Jg==", "x-amz-checksum-crc32c": "4waSgw==" },
      "InvalidRequest",
    ],
    ["an algorithm named without a value", { "x-amz-sdk-checksum-algorithm": "CRC32" }, "InvalidRequest"],
    ["a trailer without a chunked body", { "x-amz-trailer": "x-amz-checksum-crc32" }, "InvalidRequest"],
    ["an algorithm the store does not know", { "x-amz-checksum-xxhash64": "AAAAAAAAAAA=" }, "NotImplemented"],
  ])("%s", async (_, headers, code) => {
    expect((await put(headers)).code).toBe(code);
  });

  test("a payload hash of other bytes", async () => {
    expect((await put({}, { payloadHash: "0".repeat(64) })).code).toBe("XAmzContentSHA256Mismatch");
    expect((await put({}, { payloadHash: "nonsense" })).code).toBe("InvalidArgument");
  });

  test("and none of them left an object", async () => {
    const head = new HeadObjectCommand({ Bucket: BUCKET, Key: "refused" });
    expect((await refusal(fixture.s3.send(head))).status).toBe(404);
  });
});

test("a part must use the algorithm its upload was created with", async () => {
  const target = { Bucket: BUCKET, Key: "mixed" };
  const { UploadId } = await fixture.s3.send(
    new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: "SHA256" }),
  );
  const part = new UploadPartCommand({
    ...target,
    UploadId,
    PartNumber: 1,
    Body: "x",
    ChecksumAlgorithm: "CRC32",
  });
  expect((await refusal(fixture.s3.send(part))).code).toBe("InvalidRequest");
});
