import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import path from "node:path";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type CompletedPart,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { describe, expect, test } from "vitest";
import { BUCKET, connect, MIB, patternBytes, refusal, startIn, useObjectStore } from "./fixture.ts";

const fixture = useObjectStore();
const md5 = (data: Buffer): Buffer => createHash("md5").update(data).digest();

async function begin(Key: string, more = {}): Promise<string> {
  const { UploadId } = await fixture.s3.send(
    new CreateMultipartUploadCommand({ Bucket: BUCKET, Key, ...more }),
  );
  return UploadId!;
}
async function part(Key: string, UploadId: string, PartNumber: number, Body: Buffer): Promise<CompletedPart> {
  const { ETag } = await fixture.s3.send(
    new UploadPartCommand({ Bucket: BUCKET, Key, UploadId, PartNumber, Body }),
  );
  return { PartNumber, ETag: ETag! };
}
const complete = (Key: string, UploadId: string, Parts: CompletedPart[], more = {}) =>
  fixture.s3.send(
    new CompleteMultipartUploadCommand({
      Bucket: BUCKET,
      Key,
      UploadId,
      MultipartUpload: { Parts },
      ...more,
    }),
  );
const read = async (Key: string, more = {}): Promise<Buffer> => {
  const { Body } = await fixture.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key, ...more }));
  return Buffer.from(await Body!.transformToByteArray());
};

describe("multipart uploads through the SDK", () => {
  test("lib-storage uploads a stream in parts; bytes, ETag and metadata are those of the object", async () => {
    const body = patternBytes(12 * MIB + 5);
    const upload = new Upload({
      client: fixture.s3,
      params: { Bucket: BUCKET, Key: "lib", Body: body, ContentType: "video/mp4", Metadata: { scene: "1" } },
      partSize: 5 * MIB,
    });
    const { ETag } = await upload.done();
    const parts = [body.subarray(0, 5 * MIB), body.subarray(5 * MIB, 10 * MIB), body.subarray(10 * MIB)];
    const expected = createHash("md5")
      .update(Buffer.concat(parts.map(md5)))
      .digest("hex");
    expect(ETag).toBe(`"${expected}-3"`);
    expect((await read("lib")).equals(body)).toBe(true);
    const head = await fixture.s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: "lib" }));
    expect(head).toMatchObject({
      ContentLength: body.length,
      ContentType: "video/mp4",
      Metadata: { scene: "1" },
      ETag,
    });
  });

  test("ranges run across the joints of parts, and partNumber selects one", async () => {
    const body = patternBytes(11 * MIB, 7);
    await new Upload({
      client: fixture.s3,
      params: { Bucket: BUCKET, Key: "joints", Body: body },
      partSize: 5 * MIB,
    }).done();
    const [start, end] = [5 * MIB - 3, 10 * MIB + 2];
    expect(
      (await read("joints", { Range: `bytes=${start}-${end}` })).equals(body.subarray(start, end + 1)),
    ).toBe(true);
    expect((await read("joints", { PartNumber: 3 })).equals(body.subarray(10 * MIB))).toBe(true);
    const head = await fixture.s3.send(
      new HeadObjectCommand({ Bucket: BUCKET, Key: "joints", PartNumber: 2 }),
    );
    expect([head.PartsCount, head.ContentLength, head.$metadata.httpStatusCode]).toEqual([3, 5 * MIB, 206]);
    expect((await refusal(read("joints", { PartNumber: 4 }))).status).toBe(416);
    const { ObjectParts } = await fixture.s3.send(
      new GetObjectAttributesCommand({ Bucket: BUCKET, Key: "joints", ObjectAttributes: ["ObjectParts"] }),
    );
    expect(ObjectParts?.Parts?.map(({ Size }) => Size)).toEqual([5 * MIB, 5 * MIB, MIB]);
  });

  test("[G3] Complete may be repeated, by one client or by two at once: same answer, one object", async () => {
    const UploadId = await begin("twice");
    const parts = [await part("twice", UploadId, 1, patternBytes(100))];
    const [first, second] = await Promise.all([
      complete("twice", UploadId, parts),
      complete("twice", UploadId, parts),
    ]);
    const third = await complete("twice", UploadId, parts);
    expect(new Set([first.ETag, second.ETag, third.ETag])).toEqual(new Set([first.ETag]));
    await fixture.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: "twice" }));
    expect((await complete("twice", UploadId, parts)).ETag).toBe(first.ETag);
    expect((await refusal(read("twice"))).code).toBe("NoSuchKey");
    const abort = new AbortMultipartUploadCommand({ Bucket: BUCKET, Key: "twice", UploadId });
    expect((await refusal(fixture.s3.send(abort))).code).toBe("NoSuchUpload");
  });

  test("a part is replaced by a later one of its number, and parts left out of Complete are dropped", async () => {
    const UploadId = await begin("subset");
    await part("subset", UploadId, 1, patternBytes(5 * MIB, 1));
    const first = await part("subset", UploadId, 1, patternBytes(5 * MIB, 2));
    await part("subset", UploadId, 2, patternBytes(5 * MIB, 3));
    const last = await part("subset", UploadId, 9, Buffer.from("tail"));
    await complete("subset", UploadId, [first, last]);
    const expected = Buffer.concat([patternBytes(5 * MIB, 2), Buffer.from("tail")]);
    expect((await read("subset")).equals(expected)).toBe(true);
  });

  test("[G7] Complete refuses wrong lists and changes nothing", async () => {
    const UploadId = await begin("strict");
    const small = await part("strict", UploadId, 1, Buffer.from("small"));
    const tail = await part("strict", UploadId, 2, Buffer.from("tail"));
    const tries: [CompletedPart[], string][] = [
      [[small, tail], "EntityTooSmall"],
      [[tail, small], "InvalidPartOrder"],
      [[{ ...small, ETag: '"00000000000000000000000000000000"' }], "InvalidPart"],
      [[{ ...small, PartNumber: 3 }], "InvalidPart"],
      [[{ ...small, PartNumber: 10_001 }], "InvalidArgument"],
    ];
    for (const [list, code] of tries)
      expect((await refusal(complete("strict", UploadId, list))).code).toBe(code);
    expect((await refusal(complete("strict", UploadId, [small], { MpuObjectSize: 4 }))).code).toBe(
      "InvalidRequest",
    );
    expect((await refusal(complete("strict", "f".repeat(48), [small]))).code).toBe("NoSuchUpload");
    expect((await refusal(part("strict", UploadId, 0, Buffer.from("x")))).code).toBe("InvalidArgument");
    expect((await refusal(read("strict"))).code).toBe("NoSuchKey");
    await complete("strict", UploadId, [small], { MpuObjectSize: 5 });
    expect((await read("strict")).toString()).toBe("small");
  });

  test("[G3] conditions hold at Complete, not only at its start", async () => {
    const UploadId = await begin("guarded");
    const parts = [await part("guarded", UploadId, 1, Buffer.from("mpu"))];
    await fixture.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: "guarded", Body: "first" }));
    expect(await refusal(complete("guarded", UploadId, parts, { IfNoneMatch: "*" }))).toEqual({
      code: "PreconditionFailed",
      status: 412,
    });
    expect((await read("guarded")).toString()).toBe("first");
  });

  test("ListParts and ListMultipartUploads page and forget what is finished", async () => {
    const UploadId = await begin("dir/listed");
    for (const number of [3, 1, 2]) await part("dir/listed", UploadId, number, Buffer.from(`part ${number}`));
    const list = (more = {}) =>
      fixture.s3.send(new ListPartsCommand({ Bucket: BUCKET, Key: "dir/listed", UploadId, ...more }));
    const first = await list({ MaxParts: 2 });
    expect([
      first.Parts?.map(({ PartNumber }) => PartNumber),
      first.IsTruncated,
      first.NextPartNumberMarker,
    ]).toEqual([[1, 2], true, "2"]);
    const rest = await list({ PartNumberMarker: first.NextPartNumberMarker });
    expect([rest.Parts?.map(({ Size, PartNumber }) => [PartNumber, Size]), rest.IsTruncated]).toEqual([
      [[3, 6]],
      false,
    ]);

    const second = await begin("dir/listed");
    const third = await begin("dir/zz");
    const uploads = (more = {}) =>
      fixture.s3.send(new ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: "dir/", ...more }));
    const all = await uploads();
    expect(new Set(all.Uploads?.slice(0, 2).map((upload) => upload.UploadId))).toEqual(
      new Set([UploadId, second]),
    );
    expect(all.Uploads?.[2]?.UploadId).toBe(third);
    const page = await uploads({ MaxUploads: 1 });
    const next = await uploads({ KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker });
    expect([page.IsTruncated, next.Uploads?.length]).toEqual([true, 2]);
    expect((await uploads({ Prefix: "", Delimiter: "/" })).CommonPrefixes).toContainEqual({ Prefix: "dir/" });

    for (const [Key, id] of [
      ["dir/listed", UploadId],
      ["dir/listed", second],
      ["dir/zz", third],
    ] as const) {
      await fixture.s3.send(new AbortMultipartUploadCommand({ Bucket: BUCKET, Key, UploadId: id }));
    }
    expect((await uploads()).Uploads).toBeUndefined();
    expect((await refusal(list())).code).toBe("NoSuchUpload");
    expect((await refusal(part("dir/listed", UploadId, 1, Buffer.from("late")))).code).toBe("NoSuchUpload");
  });

  test("UploadPartCopy takes whole objects and ranges, across the joints of a multipart source", async () => {
    const body = patternBytes(11 * MIB, 9);
    await new Upload({
      client: fixture.s3,
      params: { Bucket: BUCKET, Key: "src %+", Body: body },
      partSize: 5 * MIB,
    }).done();
    const UploadId = await begin("assembled");
    const CopySource = `/${BUCKET}/src%20%25%2B`;
    const copyPart = (PartNumber: number, CopySourceRange?: string) =>
      fixture.s3.send(
        new UploadPartCopyCommand({
          Bucket: BUCKET,
          Key: "assembled",
          UploadId,
          PartNumber,
          CopySource,
          CopySourceRange,
        }),
      );
    const ranged = await copyPart(1, `bytes=1-${6 * MIB}`);
    const whole = await copyPart(2);
    expect((await refusal(copyPart(3, `bytes=0-${11 * MIB}`))).code).toBe("InvalidArgument");
    await complete("assembled", UploadId, [
      { PartNumber: 1, ETag: ranged.CopyPartResult!.ETag! },
      { PartNumber: 2, ETag: whole.CopyPartResult!.ETag! },
    ]);
    expect((await read("assembled")).equals(Buffer.concat([body.subarray(1, 6 * MIB + 1), body]))).toBe(true);
  });

  test("a copy of a multipart object is a single-part object with the MD5 of its bytes as ETag", async () => {
    const body = patternBytes(6 * MIB, 11);
    await new Upload({
      client: fixture.s3,
      params: { Bucket: BUCKET, Key: "mpu", Body: body },
      partSize: 5 * MIB,
    }).done();
    const copied = await fixture.s3.send(
      new CopyObjectCommand({ Bucket: BUCKET, Key: "single", CopySource: `${BUCKET}/mpu` }),
    );
    expect(copied.CopyObjectResult?.ETag).toBe(`"${md5(body).toString("hex")}"`);
    expect((await read("single")).equals(body)).toBe(true);
  });

  test("[G1] uploads, parts and the memory of completed ones outlive a restart; nothing unused stays on disk", async () => {
    const own = await startIn(path.join(fixture.dataDir, "restarted"));
    const first = connect(own);
    const target = { Bucket: BUCKET, Key: "resumed" };
    const { UploadId } = await first.send(new CreateMultipartUploadCommand(target));
    const sent = await first.send(
      new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: patternBytes(5 * MIB) }),
    );
    await own.close();

    const again = await startIn(path.join(fixture.dataDir, "restarted"));
    const s3 = connect(again);
    const { Parts } = await s3.send(new ListPartsCommand({ ...target, UploadId }));
    expect(Parts?.map(({ ETag }) => ETag)).toEqual([sent.ETag]);
    const last = await s3.send(new UploadPartCommand({ ...target, UploadId, PartNumber: 2, Body: "end" }));
    const list = {
      Parts: [
        { PartNumber: 1, ETag: sent.ETag },
        { PartNumber: 2, ETag: last.ETag },
      ],
    };
    const finish = new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: list });
    const { ETag } = await s3.send(finish);
    await again.close();

    const third = await startIn(path.join(fixture.dataDir, "restarted"));
    const client = connect(third);
    expect((await client.send(finish)).ETag).toBe(ETag);
    expect((await client.send(new HeadObjectCommand(target))).ContentLength).toBe(5 * MIB + 3);
    await client.send(new DeleteObjectCommand(target));
    await third.close();
    const files = await readdir(path.join(fixture.dataDir, "restarted", "data"), { recursive: true });
    expect(files.filter((file) => path.basename(file).length === 32)).toEqual([]);
  });
});
