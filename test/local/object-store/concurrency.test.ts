import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import path from "node:path";
import {
  CopyObjectCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  CreateBucketCommand,
} from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import { BUCKET, MIB, patternBytes, useObjectStore } from "./fixture.ts";

const fixture = useObjectStore();
const at = (Key: string) => ({ Bucket: BUCKET, Key });

describe("requests at the same time", () => {
  test("[G3] of twenty create-only writers to a key exactly one wins, and its bytes stay", async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) =>
        fixture.s3.send(new PutObjectCommand({ ...at("one"), Body: `writer ${n}`, IfNoneMatch: "*" })),
      ),
    );
    const winners = outcomes.flatMap((outcome, n) => (outcome.status === "fulfilled" ? [n] : []));
    expect(winners).toHaveLength(1);
    const { Body } = await fixture.s3.send(new GetObjectCommand(at("one")));
    expect(await Body!.transformToString()).toBe(`writer ${winners[0]!}`);
  });

  test("the last of many writers wins whole: ETag, bytes and metadata belong together", async () => {
    await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        fixture.s3.send(
          new PutObjectCommand({
            ...at("contested"),
            Body: patternBytes(300_000 + n, n + 1),
            Metadata: { writer: String(n) },
          }),
        ),
      ),
    );
    const { Body, ETag, Metadata } = await fixture.s3.send(new GetObjectCommand(at("contested")));
    const bytes = Buffer.from(await Body!.transformToByteArray());
    const writer = Number(Metadata!.writer);
    expect(bytes.equals(patternBytes(300_000 + writer, writer + 1))).toBe(true);
    expect(ETag).toBe(`"${createHash("md5").update(bytes).digest("hex")}"`);
  });

  test("[G5] a reader of a replaced or deleted object reads the old bytes to their end, then their file goes", async () => {
    const old = patternBytes(24 * MIB, 5);
    await fixture.s3.send(new PutObjectCommand({ ...at("replaced"), Body: old }));
    // More than the sockets buffer, so that the server is still reading when the object changes.
    const readers = await Promise.all(
      [1, 2].map(() => fixture.s3.send(new GetObjectCommand(at("replaced")))),
    );
    await fixture.s3.send(new PutObjectCommand({ ...at("replaced"), Body: "new" }));
    await fixture.s3.send(new DeleteObjectCommand(at("replaced")));
    for (const { Body } of readers) {
      expect(Buffer.from(await Body!.transformToByteArray()).equals(old)).toBe(true);
    }
  });

  test("copies share files: deleting either side leaves the other, deleting both leaves no file", async () => {
    const body = patternBytes(200_000, 3);
    await fixture.s3.send(new PutObjectCommand({ ...at("shared/a"), Body: body }));
    const before = await fileCount();
    const CopySource = `${BUCKET}/shared/a`;
    await fixture.s3.send(new CopyObjectCommand({ ...at("shared/b"), CopySource }));
    await fixture.s3.send(
      new CopyObjectCommand({ ...at("shared/a"), CopySource, MetadataDirective: "REPLACE" }),
    );
    expect(await fileCount()).toBe(before);
    await fixture.s3.send(new DeleteObjectCommand(at("shared/a")));
    const { Body } = await fixture.s3.send(new GetObjectCommand(at("shared/b")));
    expect(Buffer.from(await Body!.transformToByteArray()).equals(body)).toBe(true);
  });

  test("a bucket removed while an upload to it is under way takes the upload with it", async () => {
    await fixture.s3.send(new CreateBucketCommand({ Bucket: "short-lived" }));
    const uploads = Array.from({ length: 8 }, (_, n) =>
      fixture.s3.send(
        new PutObjectCommand({ Bucket: "short-lived", Key: `k${n}`, Body: patternBytes(2 * MIB) }),
      ),
    );
    const removal = fixture.s3.send(new DeleteBucketCommand({ Bucket: "short-lived" }));
    const outcomes = await Promise.allSettled([removal, ...uploads]);
    const isRemoved = outcomes[0].status === "fulfilled";
    const stored = outcomes.slice(1).filter((outcome) => outcome.status === "fulfilled").length;
    expect(isRemoved && stored > 0).toBe(false);
  });
});

async function fileCount(): Promise<number> {
  const files = await readdir(path.join(fixture.dataDir, "data"), { recursive: true });
  return files.filter((file) => path.basename(file).length === 32).length;
}
