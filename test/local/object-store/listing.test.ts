import {
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  paginateListObjectsV2,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, test } from "vitest";
import { BUCKET, refusal, useObjectStore } from "./fixture.ts";

const fixture = useObjectStore();
const KEYS = ["a", "a/1", "a/2", "b+c d", "b/x/1", "b/x/2", "b/y", "z\ue000", "z😀", "é"];
/** UTF-8 order: é (C3…) after z, U+E000 (EE…) before the emoji (F0…), unlike UTF-16 order. */
const ORDERED = ["a", "a/1", "a/2", "b+c d", "b/x/1", "b/x/2", "b/y", "z\ue000", "z😀", "é"];

beforeAll(async () => {
  for (const Key of [...KEYS].reverse())
    await fixture.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: Key }));
});

const list = (query: object) => fixture.s3.send(new ListObjectsV2Command({ Bucket: BUCKET, ...query }));

describe("listings through the SDK", () => {
  test("give keys in UTF-8 byte order with size, ETag and date", async () => {
    const { Contents, KeyCount, IsTruncated, MaxKeys } = await list({});
    expect(Contents?.map(({ Key }) => Key)).toEqual(ORDERED);
    expect({ KeyCount, IsTruncated, MaxKeys }).toEqual({
      KeyCount: ORDERED.length,
      IsTruncated: false,
      MaxKeys: 1000,
    });
    expect(Contents?.[1]).toMatchObject({ Size: 3, StorageClass: "STANDARD" });
    expect(Contents?.[1]?.ETag).toMatch(/^"[0-9a-f]{32}"$/);
    expect(Contents?.[0]?.Owner).toBeUndefined();
    expect((await list({ FetchOwner: true })).Contents?.[0]?.Owner?.ID).toMatch(/^[0-9a-f]{64}$/);
  });

  test("group by delimiter; common prefixes count towards the page and are skipped whole", async () => {
    const names: string[] = [];
    const pages = paginateListObjectsV2(
      { client: fixture.s3, pageSize: 1 },
      { Bucket: BUCKET, Delimiter: "/" },
    );
    for await (const page of pages) {
      expect((page.Contents?.length ?? 0) + (page.CommonPrefixes?.length ?? 0)).toBe(1);
      names.push(page.Contents?.[0]?.Key ?? page.CommonPrefixes?.[0]?.Prefix ?? "");
    }
    expect(names).toEqual(["a", "a/", "b+c d", "b/", "z\ue000", "z😀", "é"]);
    const inner = await list({ Prefix: "b/", Delimiter: "/" });
    expect(inner.Contents?.map(({ Key }) => Key)).toEqual(["b/y"]);
    expect(inner.CommonPrefixes).toEqual([{ Prefix: "b/x/" }]);
  });

  test("page through everything, start after a key, and encode on request", async () => {
    const names: string[] = [];
    for await (const page of paginateListObjectsV2({ client: fixture.s3, pageSize: 3 }, { Bucket: BUCKET })) {
      names.push(...page.Contents!.map(({ Key }) => Key!));
    }
    expect(names).toEqual(ORDERED);
    expect((await list({ StartAfter: "b/x/1", MaxKeys: 1 })).Contents?.map(({ Key }) => Key)).toEqual([
      "b/x/2",
    ]);
    const encoded = await list({ EncodingType: "url", Prefix: "b+" });
    expect([encoded.Contents?.[0]?.Key, encoded.Prefix, encoded.EncodingType]).toEqual([
      "b%2Bc%20d",
      "b%2B",
      "url",
    ]);
    expect(await list({ MaxKeys: 0 })).toMatchObject({ KeyCount: 0, IsTruncated: false });
    expect(await list({ Prefix: "", Delimiter: "" })).toMatchObject({ KeyCount: ORDERED.length });
  });

  test("version 1 marks its pages, with NextMarker only under a delimiter", async () => {
    const first = await fixture.s3.send(new ListObjectsCommand({ Bucket: BUCKET, MaxKeys: 2 }));
    expect([first.IsTruncated, first.NextMarker, first.Contents?.[0]?.Owner?.DisplayName]).toEqual([
      true,
      undefined,
      "owner",
    ]);
    const second = await fixture.s3.send(
      new ListObjectsCommand({ Bucket: BUCKET, MaxKeys: 2, Marker: first.Contents!.at(-1)!.Key! }),
    );
    expect(second.Contents?.map(({ Key }) => Key)).toEqual(["a/2", "b+c d"]);
    const grouped = await fixture.s3.send(
      new ListObjectsCommand({ Bucket: BUCKET, MaxKeys: 2, Delimiter: "/" }),
    );
    expect(grouped.NextMarker).toBe("a/");
    const rest = await fixture.s3.send(
      new ListObjectsCommand({ Bucket: BUCKET, Delimiter: "/", Marker: "a/" }),
    );
    expect(rest.Contents?.map(({ Key }) => Key)).toEqual(["b+c d", "z\ue000", "z😀", "é"]);
    expect(rest.CommonPrefixes).toEqual([{ Prefix: "b/" }]);
  });

  test("versions of a bucket without versioning are its objects, as the null version", async () => {
    const { Versions } = await fixture.s3.send(
      new ListObjectVersionsCommand({ Bucket: BUCKET, Prefix: "a/" }),
    );
    expect(Versions?.map(({ Key, VersionId, IsLatest }) => [Key, VersionId, IsLatest])).toEqual([
      ["a/1", "null", true],
      ["a/2", "null", true],
    ]);
  });

  test("[G7] a foreign continuation token, a bad page size and a missing bucket are refused", async () => {
    expect((await refusal(list({ ContinuationToken: "not ours!" }))).code).toBe("InvalidArgument");
    expect((await refusal(list({ MaxKeys: -1 }))).code).toBe("InvalidArgument");
    expect(await refusal(list({ Bucket: "nosuch-bucket" }))).toEqual({ code: "NoSuchBucket", status: 404 });
  });
});
