import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetObjectAclCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type PutObjectCommandInput,
} from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import { BUCKET, patternBytes, refusal, useObjectStore } from "./fixture.ts";
import { request } from "./raw-request.ts";

const fixture = useObjectStore();
const put = (
  Key: string,
  Body: PutObjectCommandInput["Body"] = Key,
  more: Partial<PutObjectCommandInput> = {},
) => fixture.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body, ...more }));
const get = (Key: string, more = {}) =>
  fixture.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key, ...more }));
const head = (Key: string, more = {}) =>
  fixture.s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key, ...more }));
const md5 = (data: Buffer | string): string => `"${createHash("md5").update(data).digest("hex")}"`;

describe("objects through the SDK", () => {
  test.each([
    ["nothing", 0],
    ["one byte", 1],
    ["exactly one batch", 256 * 1024],
    ["more than the memory an upload may use", 3 * 1024 * 1024 + 7],
  ])("come back byte for byte: %s", async (_, size) => {
    const body = patternBytes(size);
    const { ETag } = await put(`sizes/${size}`, body);
    const { Body, ContentLength, ETag: readETag, LastModified } = await get(`sizes/${size}`);
    expect(Buffer.from(await Body!.transformToByteArray()).equals(body)).toBe(true);
    expect({ ContentLength, readETag }).toEqual({ ContentLength: size, readETag: ETag });
    expect(ETag).toBe(md5(body));
    expect(Math.abs(LastModified!.getTime() - Date.now())).toBeLessThan(60_000);
  });

  test("a stream of known length arrives whole with default SDK settings (aws-chunked with a trailer)", async () => {
    const body = patternBytes(700_001);
    const pieces = [body.subarray(0, 1), body.subarray(1, 70_000), body.subarray(70_000)];
    await put("streamed", Readable.from(pieces), { ContentLength: body.length, ContentEncoding: "gzip" });
    const { Body, ContentEncoding } = await get("streamed");
    expect(Buffer.from(await Body!.transformToByteArray()).equals(body)).toBe(true);
    expect(ContentEncoding).toBe("gzip");
  });

  test("keys are strings, not paths: odd ones neither collide nor escape", async () => {
    const keys = [
      "plain.txt",
      "odd/with space + plus & amp",
      "odd/ü/emoji😀/日本",
      "odd/a//b",
      "odd/./x",
      "odd/a/../b",
      "../../escape",
      "odd/back\\slash",
      "odd/%41",
      "odd/A",
      "odd/q?m#h",
      "odd/'()*!~",
      "odd/trailing/",
      "odd/ctl\u0001tab\tnl\ncr\r",
      "odd/\ue000\uffff",
      `odd/${"k".repeat(1020)}`,
    ];
    for (const key of keys) await put(key);
    for (const key of keys) expect(await (await get(key)).Body!.transformToString()).toBe(key);
    const listed = await fixture.s3.send(new ListObjectsV2Command({ Bucket: BUCKET, EncodingType: "url" }));
    const names = listed.Contents!.map((entry) => decodeURIComponent(entry.Key!));
    expect(keys.filter((key) => !names.includes(key))).toEqual([]);

    const removed = await fixture.s3.send(
      new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects: keys.map((Key) => ({ Key })) } }),
    );
    expect(removed.Deleted).toHaveLength(keys.length);
    for (const key of keys) expect((await refusal(get(key))).code).toBe("NoSuchKey");
  });

  test("[G7] a key over 1024 bytes is refused, counted in UTF-8", async () => {
    expect(await refusal(put(`${"ü".repeat(512)}x`))).toEqual({ code: "KeyTooLongError", status: 400 });
  });

  test("content headers, user metadata and tags are kept and given back", async () => {
    await put("described", "x", {
      ContentType: "video/mp4",
      CacheControl: "private, max-age=60",
      ContentDisposition: 'attachment; filename="a b.mp4"',
      ContentLanguage: "de",
      Expires: new Date("2030-01-01T00:00:00Z"),
      Metadata: { Scene: "12", "with-dash": "spaces  inside" },
      Tagging: "state=temp&owner=a%26b",
    });
    const { $metadata: _, Body: __, ...described } = await get("described");
    expect(described).toMatchObject({
      ContentType: "video/mp4",
      CacheControl: "private, max-age=60",
      ContentDisposition: 'attachment; filename="a b.mp4"',
      ContentLanguage: "de",
      ExpiresString: "Tue, 01 Jan 2030 00:00:00 GMT",
      Metadata: { scene: "12", "with-dash": "spaces  inside" },
      TagCount: 2,
      AcceptRanges: "bytes",
    });
    const { TagSet } = await fixture.s3.send(
      new GetObjectTaggingCommand({ Bucket: BUCKET, Key: "described" }),
    );
    expect(TagSet).toEqual([
      { Key: "state", Value: "temp" },
      { Key: "owner", Value: "a&b" },
    ]);
    await put("bare");
    expect((await head("bare")).ContentType).toBe("application/octet-stream");
  });

  test("tags are replaced and removed without touching the object", async () => {
    await put("tagged");
    const before = await head("tagged");
    const Tagging = { TagSet: [{ Key: "a", Value: "<&>" }] };
    await fixture.s3.send(new PutObjectTaggingCommand({ Bucket: BUCKET, Key: "tagged", Tagging }));
    const read = await fixture.s3.send(new GetObjectTaggingCommand({ Bucket: BUCKET, Key: "tagged" }));
    expect(read.TagSet).toEqual(Tagging.TagSet);
    await fixture.s3.send(new DeleteObjectTaggingCommand({ Bucket: BUCKET, Key: "tagged" }));
    const after = await head("tagged");
    expect([after.ETag, after.LastModified, after.TagCount]).toEqual([
      before.ETag,
      before.LastModified,
      undefined,
    ]);
    const eleven = { TagSet: Array.from({ length: 11 }, (_, i) => ({ Key: `k${i}`, Value: "" })) };
    expect(
      await refusal(
        fixture.s3.send(new PutObjectTaggingCommand({ Bucket: BUCKET, Key: "tagged", Tagging: eleven })),
      ),
    ).toEqual({ code: "BadRequest", status: 400 });
  });

  test("[G7] more than 2 KB of metadata is refused and stores nothing", async () => {
    const refused = await refusal(put("fat", "x", { Metadata: { fat: "x".repeat(2048) } }));
    expect(refused).toEqual({ code: "MetadataTooLarge", status: 400 });
    expect((await refusal(head("fat"))).status).toBe(404);
  });

  test.each([
    ["bytes=0-", "bytes 0-9/10", "0123456789"],
    ["bytes=0-0", "bytes 0-0/10", "0"],
    ["bytes=3-5", "bytes 3-5/10", "345"],
    ["bytes=8-100", "bytes 8-9/10", "89"],
    ["bytes=-3", "bytes 7-9/10", "789"],
  ])("a range request %s is answered 206 with exactly those bytes", async (Range, contentRange, text) => {
    await put("digits", "0123456789");
    const { $metadata, ContentRange, ContentLength, Body } = await get("digits", { Range });
    expect([$metadata.httpStatusCode, ContentRange, ContentLength]).toEqual([206, contentRange, text.length]);
    expect(await Body!.transformToString()).toBe(text);
  });

  test("a range past the end, or of an empty object, is 416; several ranges give the whole object", async () => {
    await put("digits", "0123456789");
    await put("empty", "");
    expect(await refusal(get("digits", { Range: "bytes=10-" }))).toEqual({
      code: "InvalidRange",
      status: 416,
    });
    expect(await refusal(get("empty", { Range: "bytes=0-0" }))).toEqual({
      code: "InvalidRange",
      status: 416,
    });
    const several = await get("digits", { Range: "bytes=0-1,3-4" });
    expect([several.$metadata.httpStatusCode, several.ContentLength]).toEqual([200, 10]);
  });

  test("conditional reads follow RFC 9110: 304 and 412, If-Match before dates", async () => {
    const { ETag } = await put("conditional");
    const past = new Date(Date.now() - 86_400_000);
    const future = new Date(Date.now() + 86_400_000);
    const status = async (conditions: object): Promise<number | undefined> => {
      try {
        return (await get("conditional", conditions)).$metadata.httpStatusCode;
      } catch (error) {
        return (error as { $metadata: { httpStatusCode?: number } }).$metadata.httpStatusCode;
      }
    };
    expect(await status({ IfNoneMatch: ETag })).toBe(304);
    expect(await status({ IfNoneMatch: '"other", *' })).toBe(200);
    expect(await status({ IfModifiedSince: future })).toBe(304);
    expect(await status({ IfModifiedSince: past })).toBe(200);
    expect(await status({ IfMatch: '"other"' })).toBe(412);
    expect(await status({ IfMatch: ETag, IfUnmodifiedSince: past })).toBe(200);
    expect(await status({ IfUnmodifiedSince: past })).toBe(412);
    expect(await status({ IfNoneMatch: '"other"', IfModifiedSince: future })).toBe(200);
  });

  test("[G3] conditional writes: create-only, replace-only-this, delete-only-this", async () => {
    const { ETag } = await put("exclusive", "1", { IfNoneMatch: "*" });
    expect(await refusal(put("exclusive", "2", { IfNoneMatch: "*" }))).toEqual({
      code: "PreconditionFailed",
      status: 412,
    });
    expect(await refusal(put("exclusive", "2", { IfMatch: '"stale"' }))).toEqual({
      code: "PreconditionFailed",
      status: 412,
    });
    expect(await refusal(put("absent", "2", { IfMatch: ETag! }))).toEqual({ code: "NoSuchKey", status: 404 });
    const second = await put("exclusive", "2", { IfMatch: ETag! });
    const remove = (IfMatch: string) =>
      fixture.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: "exclusive", IfMatch }));
    expect(await refusal(remove(ETag!))).toEqual({ code: "PreconditionFailed", status: 412 });
    await remove(second.ETag!);
    expect((await refusal(get("exclusive"))).code).toBe("NoSuchKey");
  });

  test("deleting is idempotent, and DeleteObjects reports each key", async () => {
    await put("doomed");
    for (let i = 0; i < 2; i++)
      await fixture.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: "doomed" }));
    await put(" spaced & <odd> ");
    const Delete = { Objects: [{ Key: " spaced & <odd> " }, { Key: "never was" }] };
    const { Deleted, Errors } = await fixture.s3.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete }));
    expect([Deleted?.map(({ Key }) => Key), Errors]).toEqual([[" spaced & <odd> ", "never was"], undefined]);
    const quiet = await fixture.s3.send(
      new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { ...Delete, Quiet: true } }),
    );
    expect(quiet.Deleted).toBeUndefined();
    const tooMany = { Objects: Array.from({ length: 1001 }, (_, i) => ({ Key: `k${i}` })) };
    expect(
      await refusal(fixture.s3.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: tooMany }))),
    ).toEqual({
      code: "MalformedXML",
      status: 400,
    });
  });

  test("copies keep or replace metadata and tags, and outlive their source", async () => {
    const { ETag } = await put("copy/source ü+%", "bytes", {
      ContentType: "text/a",
      Metadata: { a: "1" },
      Tagging: "t=1",
    });
    const CopySource = `${BUCKET}/${encodeURIComponent("copy/source ü+%")}`;
    const copy = (Key: string, more = {}) =>
      fixture.s3.send(new CopyObjectCommand({ Bucket: BUCKET, Key, CopySource, ...more }));
    const { CopyObjectResult } = await copy("copy/kept");
    expect(CopyObjectResult?.ETag).toBe(ETag);
    await copy("copy/replaced", {
      MetadataDirective: "REPLACE",
      ContentType: "text/b",
      Metadata: { b: "2" },
      TaggingDirective: "REPLACE",
    });
    await fixture.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: "copy/source ü+%" }));

    expect(await head("copy/kept")).toMatchObject({
      ContentType: "text/a",
      Metadata: { a: "1" },
      TagCount: 1,
    });
    const replaced = await get("copy/replaced");
    expect(replaced).toMatchObject({ ContentType: "text/b", Metadata: { b: "2" } });
    expect(replaced.TagCount).toBeUndefined();
    expect(await replaced.Body!.transformToString()).toBe("bytes");
    expect((await refusal(copy("copy/late"))).code).toBe("NoSuchKey");
  });

  test("[G7] copy refusals: onto itself without change, failed conditions, no source", async () => {
    const { ETag } = await put("self");
    const copy = (more = {}) =>
      fixture.s3.send(
        new CopyObjectCommand({ Bucket: BUCKET, Key: "self", CopySource: `${BUCKET}/self`, ...more }),
      );
    expect((await refusal(copy())).code).toBe("InvalidRequest");
    expect((await refusal(copy({ Key: "to", CopySourceIfMatch: '"other"' }))).code).toBe(
      "PreconditionFailed",
    );
    expect((await refusal(copy({ Key: "to", CopySourceIfNoneMatch: ETag }))).code).toBe("PreconditionFailed");
    expect((await refusal(copy({ Key: "self", MetadataDirective: "REPLACE", IfNoneMatch: "*" }))).code).toBe(
      "PreconditionFailed",
    );
    expect((await refusal(copy({ CopySource: "nosuch-bucket/x" }))).code).toBe("NoSuchBucket");
    expect((await refusal(copy({ CopySource: BUCKET }))).code).toBe("InvalidArgument");
    await copy({ MetadataDirective: "REPLACE", Metadata: { touched: "yes" } });
    expect((await head("self")).Metadata).toEqual({ touched: "yes" });
  });

  test("HEAD errors are bare, attributes and ACLs answer, versions beyond null do not exist", async () => {
    await put("simple", "abc");
    expect(await refusal(head("nothing"))).toEqual({ code: "NotFound", status: 404 });
    const attributes = await fixture.s3.send(
      new GetObjectAttributesCommand({
        Bucket: BUCKET,
        Key: "simple",
        ObjectAttributes: ["ETag", "ObjectSize", "Checksum"],
      }),
    );
    expect([attributes.ObjectSize, attributes.ETag, attributes.Checksum?.ChecksumCRC32]).toEqual([
      3,
      md5("abc").slice(1, -1),
      "NSRBwg==",
    ]);
    const acl = await fixture.s3.send(new GetObjectAclCommand({ Bucket: BUCKET, Key: "simple" }));
    expect(acl.Grants?.map((grant) => grant.Permission)).toEqual(["FULL_CONTROL"]);
    expect((await get("simple", { VersionId: "null" })).ContentLength).toBe(3);
    expect((await refusal(get("simple", { VersionId: "abc" }))).code).toBe("NoSuchVersion");
  });

  test("response-* parameters override the stored headers of one answer", async () => {
    await put("overridden", "x", { ContentType: "text/plain" });
    const answer = await get("overridden", {
      ResponseContentType: "video/mp4",
      ResponseContentDisposition: 'inline; filename="ü.mp4"',
    });
    expect(answer.ContentType).toBe("video/mp4");
    expect((await head("overridden")).ContentType).toBe("text/plain");
  });

  test("virtual-hosted requests to *.localhost reach the same bucket", async () => {
    await put("hosted/ü", "same");
    const headers = { host: `${BUCKET}.localhost:${fixture.store.port}` };
    const answer = await request(fixture.store.endpoint, { path: "/hosted/%C3%BC", headers });
    expect([answer.status, answer.body]).toEqual([200, "same"]);
  });
});
