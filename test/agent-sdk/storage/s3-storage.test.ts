import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import type { S3Options } from "reelsync";
import { MIB } from "../../../contract/limits.ts";
import { startBucket } from "../support/bucket.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { describeStorage, listed, sha256 } from "./contract.ts";
import { openS3 as open } from "./support.ts";

const QUICK = { retry: { attempts: 3, baseDelayMs: 10, maxDelayMs: 50 } };
const openS3 = (endpoint: string, s3: S3Options = {}) => open(endpoint, s3, QUICK);

describeStorage("S3", async () => openS3((await startBucket()).endpoint));

test("[G2] a load whose connection breaks goes on where it broke, with every byte once", async () => {
  const { endpoint } = await startBucket();
  const proxy = await startFaultProxy(endpoint);
  const storage = await openS3(proxy.url);
  const bytes = randomBytes(3 * MIB);
  await storage.save("a.bin", bytes);
  let cuts = 2;
  proxy.spoil = ({ method, target }) =>
    method === "GET" && target.includes("/a.bin") && cuts-- > 0 ? "cutReply" : undefined;
  const { body } = await storage.load("a.bin");
  expect(sha256(await buffer(body))).toBe(sha256(bytes));
  expect(cuts).toBe(-1);
});

test("[G7] a load whose object is replaced in the middle says so, and mixes nothing", async () => {
  const { endpoint } = await startBucket();
  const proxy = await startFaultProxy(endpoint);
  const storage = await openS3(proxy.url);
  const direct = await openS3(endpoint);
  await storage.save("a.bin", randomBytes(3 * MIB));
  let loads = 0;
  proxy.spoil = ({ method, target }) => {
    if (method !== "GET" || !target.includes("/a.bin")) return undefined;
    if (++loads === 1) return "cutReply";
    return async () => {
      await direct.save("a.bin", randomBytes(3 * MIB));
    };
  };
  const { body } = await storage.load("a.bin");
  await expect(buffer(body)).rejects.toMatchObject({ code: "FILE_CHANGED" });
});

test("a listing longer than one request's answer arrives whole, page by page", async () => {
  const storage = await openS3((await startBucket()).endpoint);
  const keys = Array.from({ length: 1_100 }, (_, index) => `many/${String(index).padStart(4, "0")}`);
  await Promise.all(keys.map((key) => storage.save(key, Buffer.from("x"))));
  const sizes: number[] = [];
  for await (const page of storage.listFiles("many/").pages()) sizes.push(page.length);
  expect(sizes).toEqual([1_000, 100]);
  expect((await listed(storage, "many/")).map(({ key }) => key)).toEqual(keys);
  expect(await storage.getTotalSize("many/")).toBe(1_100);
});

test("[G7] a bucket that does not exist is told as that, and not as a missing object", async () => {
  const storage = await openS3((await startBucket()).endpoint, { bucket: "no-such-bucket" });
  await expect(storage.exists("a")).rejects.toMatchObject({ code: "BUCKET_NOT_FOUND" });
  await expect(storage.load("a")).rejects.toMatchObject({ code: "BUCKET_NOT_FOUND" });
});

test("a public base URL stands for presigned ones, for reading only", async () => {
  const { endpoint } = await startBucket();
  const storage = await openS3(endpoint, { publicBaseUrl: "https://cdn.example/reels/" });
  expect(await storage.getPresignedUrl("GET", "a b/c.mp4")).toMatchObject({
    url: "https://cdn.example/reels/a%20b/c.mp4",
    expiresAt: null,
  });
  expect((await storage.getPresignedUrl("PUT", "c.mp4")).url).toMatch(/X-Amz-Signature=/);
});

test("a presigned PUT carries the ACL and the KMS key that the SDK's own requests carry, and works with nothing less", async () => {
  const { endpoint } = await startBucket();
  const owned = await openS3(endpoint, { acl: "bucket-owner-full-control" });
  const put = await owned.getPresignedUrl("PUT", "a.mp4", { contentType: "video/mp4" });
  expect(put.headers).toEqual({ "content-type": "video/mp4", "x-amz-acl": "bucket-owner-full-control" });
  const without = { "content-type": "video/mp4" };
  for (const headers of [without, { ...without, "x-amz-acl": "private" }]) {
    expect((await fetch(put.url, { method: "PUT", headers, body: "film" })).status).toBe(403);
  }
  expect((await fetch(put.url, { method: "PUT", headers: put.headers, body: "film" })).status).toBe(200);
  expect(await owned.getSize("a.mp4")).toBe(4);

  const encrypted = await openS3(endpoint, { kmsKeyId: "alias/reels" });
  const { url, headers } = await encrypted.getPresignedUrl("PUT", "b.mp4");
  expect(headers).toEqual({
    "x-amz-server-side-encryption": "aws:kms",
    "x-amz-server-side-encryption-aws-kms-key-id": "alias/reels",
  });
  expect((await fetch(url, { method: "PUT", body: "film" })).status).toBe(403);
  // The local store encrypts nothing, and refuses by name what it was asked.
  const refused = await fetch(url, { method: "PUT", headers, body: "film" });
  expect([refused.status, await refused.text()]).toEqual([
    501,
    expect.stringContaining("x-amz-server-side-encryption"),
  ]);
});
