import { GetObjectCommand, PutBucketVersioningCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, test } from "vitest";
import { BUCKET, refusal, useObjectStore } from "./fixture.ts";
import { request, send } from "./raw-request.ts";

const fixture = useObjectStore();
beforeAll(async () => {
  await fixture.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: "object", Body: "kept" }));
});

const BUCKET_SUBRESOURCES = {
  GET: ["inventory", "analytics", "metrics", "intelligent-tiering", "session", "metadataTable", "anything"],
  PUT: [
    "versioning",
    "policy",
    "lifecycle",
    "tagging",
    "encryption",
    "replication",
    "website",
    "publicAccessBlock",
  ],
  POST: ["", "restore", "anything"],
  DELETE: ["policy", "lifecycle", "tagging", "website", "encryption"],
  HEAD: ["anything"],
};
const OBJECT_SUBRESOURCES = {
  GET: ["legal-hold", "retention", "torrent", "select", "anything"],
  PUT: ["legal-hold", "retention", "renameObject", "append", "versionId", "anything"],
  POST: ["restore", "select&select-type=2", "", "anything"],
  DELETE: ["retention", "anything"],
};

const cases = [
  ...Object.entries(BUCKET_SUBRESOURCES).flatMap(([method, names]) =>
    names.map((name) => [method, `/${BUCKET}`, name] as const),
  ),
  ...Object.entries(OBJECT_SUBRESOURCES).flatMap(([method, names]) =>
    names.map((name) => [method, `/${BUCKET}/object`, name] as const),
  ),
];

describe("[G7] what is not implemented is never a success", () => {
  test.each(cases)("%s %s?%s is 501 and changes nothing", async (method, path, query) => {
    const answer = await request(fixture.store.endpoint, {
      method,
      path,
      query,
      body: method === "PUT" ? "<x/>" : "",
    });
    expect(answer.status).toBe(501);
    if (method !== "HEAD") expect(answer.code).toBe("NotImplemented");
    const { Body } = await fixture.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: "object" }));
    expect(await Body!.transformToString()).toBe("kept");
  });

  test.each([
    ["x-amz-server-side-encryption", "AES256", "NotImplemented"],
    ["x-amz-server-side-encryption-customer-algorithm", "AES256", "NotImplemented"],
    ["x-amz-object-lock-mode", "GOVERNANCE", "NotImplemented"],
    ["x-amz-website-redirect-location", "/x", "NotImplemented"],
    ["x-amz-write-offset-bytes", "4", "NotImplemented"],
    ["x-amz-something-new", "1", "NotImplemented"],
    ["x-amz-storage-class", "GLACIER", "InvalidStorageClass"],
    ["x-amz-acl", "public-read", "AccessControlListNotSupported"],
    ["x-amz-grant-read", "id=x", "AccessControlListNotSupported"],
    ["x-amz-expected-bucket-owner", "111122223333", "AccessDenied"],
    ["if-none-match", '"an-etag"', "NotImplemented"],
  ])("PUT with %s: %s is refused", async (name, value, code) => {
    const raw = { method: "PUT", path: `/${BUCKET}/other`, body: "x", headers: { [name]: value } };
    expect((await request(fixture.store.endpoint, raw)).code).toBe(code);
    expect((await request(fixture.store.endpoint, { path: `/${BUCKET}/other` })).code).toBe("NoSuchKey");
  });

  test("the SDK sees NotImplemented for versioning", async () => {
    const command = new PutBucketVersioningCommand({
      Bucket: BUCKET,
      VersioningConfiguration: { Status: "Enabled" },
    });
    expect(await refusal(fixture.s3.send(command))).toEqual({ code: "NotImplemented", status: 501 });
  });

  test("headers in the query of a request signed in the header are not read, so they are refused", async () => {
    const raw = { method: "PUT", path: `/${BUCKET}/other`, query: "x-amz-meta-a=1", body: "x" };
    expect((await request(fixture.store.endpoint, raw)).code).toBe("NotImplemented");
  });

  test("methods S3 does not have are 405, on the service too", async () => {
    for (const [method, path] of [
      ["PATCH", `/${BUCKET}/object`],
      ["PUT", "/"],
      ["DELETE", "/"],
    ] as const) {
      expect(await request(fixture.store.endpoint, { method, path })).toMatchObject({
        status: 405,
        code: "MethodNotAllowed",
      });
    }
  });
});

describe("[G7] documents that are not what they should be", () => {
  const post = (query: string, body: string, key = "") =>
    request(fixture.store.endpoint, {
      method: key === "" ? "POST" : "PUT",
      path: `/${BUCKET}${key}`,
      query,
      body,
    });

  test.each([
    ["not XML", "delete everything"],
    ["an unclosed element", "<Delete><Object><Key>object</Key></Object>"],
    ["another root", "<Remove><Object><Key>object</Key></Object></Remove>"],
    [
      "a document type",
      "<!DOCTYPE d [<!ENTITY e 'object'>]><Delete><Object><Key>&e;</Key></Object></Delete>",
    ],
    ["an unknown entity", "<Delete><Object><Key>&nothing;</Key></Object></Delete>"],
    ["no keys", "<Delete></Delete>"],
    ["an empty key", "<Delete><Object><Key></Key></Object></Delete>"],
  ])("DeleteObjects with %s deletes nothing", async (_, body) => {
    expect(await post("delete=", body)).toMatchObject({ status: 400, code: "MalformedXML" });
    expect((await request(fixture.store.endpoint, { path: `/${BUCKET}/object` })).body).toBe("kept");
  });

  test("character references name exactly the key they spell", async () => {
    for (const key of ["ab", "a%01b"]) {
      await request(fixture.store.endpoint, { method: "PUT", path: `/${BUCKET}/${key}`, body: key });
    }
    const body = `<d:Delete xmlns:d="http://s3.amazonaws.com/doc/2006-03-01/"><!-- one --><d:Object><d:Key>a&#x1;b</d:Key></d:Object></d:Delete>`;
    expect((await post("delete", body)).status).toBe(200);
    expect((await request(fixture.store.endpoint, { path: `/${BUCKET}/ab` })).status).toBe(200);
    expect((await request(fixture.store.endpoint, { path: `/${BUCKET}/a%01b` })).status).toBe(404);
  });

  test("a document beyond its limit is refused before it is read", async () => {
    const answer = await post("tagging", "x".repeat(70_000), "/object");
    expect(answer).toMatchObject({ status: 400, code: "MaxMessageLengthExceeded" });
  });

  test("every error is a document with a request id, also found in the headers", async () => {
    const answer = await send(fixture.store.endpoint, { target: "/a%26b/<k>".replace("<k>", "%3Ck%3E") });
    expect(answer.headers["content-type"]).toBe("application/xml");
    expect(answer.body).toContain("<Resource>/a%26b/%3Ck%3E</Resource>");
    expect(answer.body).toContain(`<RequestId>${String(answer.headers["x-amz-request-id"])}</RequestId>`);
  });
});
