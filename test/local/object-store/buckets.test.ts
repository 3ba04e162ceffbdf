import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetBucketAclCommand,
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutObjectCommand,
  type BucketLocationConstraint,
} from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import { BUCKET, refusal, useObjectStore } from "./fixture.ts";

const fixture = useObjectStore();
const create = (Bucket: string, LocationConstraint?: string) =>
  fixture.s3.send(
    new CreateBucketCommand({
      Bucket,
      ...(LocationConstraint === undefined
        ? {}
        : {
            CreateBucketConfiguration: { LocationConstraint: LocationConstraint as BucketLocationConstraint },
          }),
    }),
  );

describe("buckets through the SDK", () => {
  test("are created, found, listed and removed; creating one's own again is fine", async () => {
    await create("second-bucket", "eu-central-1");
    await create("second-bucket");
    const location = await fixture.s3.send(new GetBucketLocationCommand({ Bucket: "second-bucket" }));
    expect(location.LocationConstraint).toBe("eu-central-1");
    const found = await fixture.s3.send(new HeadBucketCommand({ Bucket: "second-bucket" }));
    expect(found.BucketRegion).toBe("eu-central-1");
    const { Buckets } = await fixture.s3.send(new ListBucketsCommand({ Prefix: "second" }));
    expect(Buckets?.map(({ Name }) => Name)).toEqual(["second-bucket"]);
    await fixture.s3.send(new DeleteBucketCommand({ Bucket: "second-bucket" }));
    expect(await refusal(fixture.s3.send(new HeadBucketCommand({ Bucket: "second-bucket" })))).toEqual({
      code: "NotFound",
      status: 404,
    });
  });

  test("[G7] a bucket with objects is not removed", async () => {
    await fixture.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: "here", Body: "x" }));
    expect(await refusal(fixture.s3.send(new DeleteBucketCommand({ Bucket: BUCKET })))).toEqual({
      code: "BucketNotEmpty",
      status: 409,
    });
  });

  test.each(["ab", "UPPER", "under_score", "dot..dot", "-dash", "192.168.0.1", "x".repeat(64)])(
    "[G7] the name %s is refused",
    async (name) => {
      expect((await refusal(create(name))).code).toBe("InvalidBucketName");
    },
  );

  test("settings that were never made are answered as S3 answers them", async () => {
    const versioning = await fixture.s3.send(new GetBucketVersioningCommand({ Bucket: BUCKET }));
    expect(versioning.Status).toBeUndefined();
    const acl = await fixture.s3.send(new GetBucketAclCommand({ Bucket: BUCKET }));
    expect(acl.Grants?.map((grant) => grant.Permission)).toEqual(["FULL_CONTROL"]);
    expect(
      (await fixture.s3.send(new GetBucketLocationCommand({ Bucket: BUCKET }))).LocationConstraint,
    ).toBeUndefined();
  });
});
