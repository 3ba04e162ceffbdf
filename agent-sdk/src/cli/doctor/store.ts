/** The bucket: keys, region, addressing, whether uploads would be taken, and the settings `bucket setup` makes. */
import { lookup } from "node:dns/promises";
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { HttpResponse } from "@smithy/types";
import type { Call } from "../../call.ts";
import type { S3Config } from "../../config.ts";
import { codedError } from "../../errors.ts";
import { capabilitiesOf, type Capabilities } from "../../s3/capabilities.ts";
import { requestS3 } from "../../s3/request-s3.ts";
import { isAws, type Bucket, type Wishes } from "../bucket/bucket-setting.ts";
import { exposesETag } from "../bucket/cors.ts";
import { settle } from "../bucket/plan.ts";
import { withoutLogin } from "../../without-login.ts";
import { describe } from "../output.ts";
import { fail, ok, warn, type Check } from "./check.ts";

export interface Store {
  client: S3Client;
  config: S3Config;
  call: Call;
  wishes: Wishes;
  /** Where a page would be that plays from the bucket. */
  origin: string;
}

export async function checkStore(store: Store): Promise<Check[]> {
  const usable = await checkBucket(store);
  if (usable.some(({ state }) => state === "fail")) return [...usable, await checkPathStyle(store)];
  return [
    ...usable,
    await checkRegion(store),
    await checkPathStyle(store),
    ...(await checkWriting(store)),
    ...(await checkCapabilities(store)),
    ...(await checkAclTrap(store)),
    await checkCors(store),
    await checkSetting(store, "versioning", "An overwrite by somebody else cannot be undone"),
    await checkSetting(store, "lifecycle", "Temporary files and parts of broken uploads stay and cost"),
  ];
}

/** A GET, because S3's answers to HEAD do not say which of the keys, the permission or the name is wrong. */
async function checkBucket({ client, config, call }: Store): Promise<Check[]> {
  const command = new ListObjectsV2Command({ Bucket: config.bucket, MaxKeys: 1 });
  try {
    await requestS3(call, "ListObjectsV2", (options) => client.send(command, options));
    return [ok("credentials", "accepted"), ok("bucket", config.bucket)];
  } catch (thrown) {
    const error = codedError(thrown);
    const { message } = describe(error);
    switch (error.code) {
      case "BUCKET_NOT_FOUND":
        return [
          ok("credentials", "accepted"),
          fail(
            "bucket",
            `${config.bucket} does not exist`,
            message,
            `${makeBucket(config)}  # or correct S3_BUCKET`,
          ),
        ];
      case "S3_REGION_WRONG":
        return [
          credentialsUnseen("The bucket's region is asked first", "export AWS_REGION=…  # as named below"),
          fail(
            "region",
            `${config.region} is not the bucket's`,
            message,
            "export AWS_REGION=…  # as named here",
          ),
        ];
      case "S3_CREDENTIALS_INVALID":
        return [
          fail("credentials", "refused", message, "export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…"),
        ];
      case "S3_ACCESS_DENIED":
        return [
          // Stores differ in whether they answer this to a key they do not know.
          credentialsUnseen("Listing is refused, which a valid key may be", "see uploading, which uses them"),
          warn(
            "bucket",
            `${config.bucket} may not be listed`,
            message,
            "allow s3:ListBucket; uploading does without",
          ),
        ];
      default:
        return [
          credentialsUnseen("Nobody judged them", "mend what is said of the object store"),
          fail("object store", "does not answer as one", message, "correct S3_ENDPOINT_URL, or wait for it"),
        ];
    }
  }
}

/** Where the bucket would be looked for: without its endpoint, AWS itself would be asked. */
function makeBucket({ bucket, endpoint, region }: S3Config): string {
  const where = endpoint === undefined ? `--region ${region}` : `--endpoint-url ${withoutLogin(endpoint)}`;
  return `aws ${where} s3 mb s3://${bucket}`;
}

function credentialsUnseen(cause: string, fix: string): Check {
  return warn("credentials", "not seen", cause, fix);
}

async function checkRegion({ client, config, call }: Store): Promise<Check> {
  const command = new HeadBucketCommand({ Bucket: config.bucket });
  const told = await requestS3(call, "HeadBucket", (options) => client.send(command, options)).catch(
    () => undefined,
  );
  const actual = told?.BucketRegion;
  if (actual === undefined || actual === config.region || !isAws(config)) return ok("region", config.region);
  return fail(
    "region",
    `${config.region}, but the bucket is in ${actual}`,
    "Requests are redirected or refused",
    `export AWS_REGION=${actual}`,
  );
}

async function checkPathStyle({ config }: Store): Promise<Check> {
  const { bucket, endpoint, forcePathStyle } = config;
  if (endpoint === undefined) {
    if (!forcePathStyle) return ok("addressing", "a host name per bucket");
    return warn(
      "addressing",
      "path style",
      "AWS prefers a host name per bucket",
      "unset S3_FORCE_PATH_STYLE",
    );
  }
  if (forcePathStyle) return ok("addressing", "path style");
  const host = `${bucket}.${new URL(endpoint).hostname}`;
  if ((await lookup(host).catch(() => undefined)) !== undefined) return ok("addressing", host);
  return fail(
    "addressing",
    `${host} is not known`,
    "The store does not serve a host name per bucket",
    "export S3_FORCE_PATH_STYLE=true",
  );
}

/** Opens a multipart upload as an upload would, and takes it back: proves the permission, the ACL and the KMS key. */
async function checkWriting(store: Store): Promise<Check[]> {
  const { kmsKeyId } = store.config;
  const plain = await opensUpload(store, {});
  if (plain !== undefined) {
    const fix = "allow s3:PutObject and s3:AbortMultipartUpload";
    return [fail("uploading", "refused", plain, fix)];
  }
  if (kmsKeyId === undefined) return [ok("uploading", "allowed"), ok("kms", "no key of yours is asked for")];
  const encrypted = await opensUpload(store, { ServerSideEncryption: "aws:kms", SSEKMSKeyId: kmsKeyId });
  if (encrypted === undefined) return [ok("uploading", "allowed"), ok("kms", kmsKeyId)];
  const fix =
    "allow kms:GenerateDataKey and kms:Decrypt on it, correct S3_KMS_KEY_ID, or unset S3_KMS_KEY_ID";
  return [ok("uploading", "allowed"), fail("kms", `${kmsKeyId} cannot be used`, encrypted, fix)];
}

/** What is wrong with it, or undefined. */
async function opensUpload(
  { client, config, call, wishes }: Store,
  encryption: Pick<CreateMultipartUploadCommandInput, "ServerSideEncryption" | "SSEKMSKeyId">,
): Promise<string | undefined> {
  const where = { Bucket: config.bucket, Key: `${wishes.base}temp/reelsync-doctor` };
  const acl = config.acl === undefined ? {} : { ACL: config.acl };
  const create = new CreateMultipartUploadCommand({ ...where, ...acl, ...encryption });
  try {
    const { UploadId } = await requestS3(call, "CreateMultipartUpload", (options) =>
      client.send(create, options),
    );
    const abort = new AbortMultipartUploadCommand({ ...where, UploadId });
    await requestS3(call, "AbortMultipartUpload", (options) => client.send(abort, options));
    return undefined;
  } catch (error) {
    return describe(codedError(error)).message;
  }
}

/** What the store does with what it is asked. Uploads rely on the first alone. */
async function checkCapabilities({ client, config, call, wishes }: Store): Promise<Check[]> {
  let found: Capabilities;
  try {
    found = await capabilitiesOf(client, config, `${wishes.base}temp/`, call);
  } catch (error) {
    const fix = "allow s3:PutObject and s3:DeleteObject below temp/";
    return [warn("capabilities", "not seen", describe(codedError(error)).message, fix)];
  }
  const { bodyDigest, checksum, conditionalWrites, versioning } = found;
  const others = {
    "CRC-32": checksum,
    "conditional writes": conditionalWrites,
    "object versions": versioning,
  };
  const names = (has: boolean) => Object.entries(others).flatMap(([name, is]) => (is === has ? [name] : []));
  const told = [
    ...(names(true).length > 0 ? [`also has ${names(true).join(", ")}`] : []),
    ...(names(false).length > 0 ? [`does not have ${names(false).join(", ")}, which nothing relies on`] : []),
  ];
  if (bodyDigest) return [ok("capabilities", `checks the SHA-256 of every body; ${told.join("; ")}`)];
  return [
    fail(
      "capabilities",
      `takes bodies that are not what their signature says; ${told.join("; ")}`,
      "A file spoiled on its way would be recorded as whole",
      "use a store that checks x-amz-content-sha256, or ask whoever runs this one",
    ),
  ];
}

/** Seen on Ceph: with this on, a PUT is refused although a multipart upload may be opened, so `checkWriting` misses it. */
async function checkAclTrap(store: Store): Promise<Check[]> {
  if (isAws(store.config)) return [];
  const { client, config, call } = store;
  const command = new GetPublicAccessBlockCommand({ Bucket: config.bucket });
  const found = await requestS3(call, "GetPublicAccessBlock", (options) =>
    client.send(command, options),
  ).catch(() => undefined);
  if (found?.PublicAccessBlockConfiguration?.BlockPublicAcls !== true) return [];
  return [
    warn(
      "public access",
      "BlockPublicAcls is on",
      "Some stores that are not AWS refuse every PUT with it",
      "reelsync bucket setup --only public-access --yes",
    ),
  ];
}

/** Asks as a page would, and reads what the browser would be told. */
async function checkCors({ client, config, call, origin }: Store): Promise<Check> {
  const command = new ListObjectsV2Command({ Bucket: config.bucket, MaxKeys: 1 });
  let headers: Record<string, string> = {};
  command.middlewareStack.add(
    (next) => (args) => {
      (args.request as { headers: Record<string, string> }).headers["origin"] = origin;
      return next(args);
    },
    { step: "build", name: "askAsPage" },
  );
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      ({ headers } = result.response as HttpResponse);
      return result;
    },
    { step: "deserialize", name: "keepHeaders", priority: "low" },
  );
  const fix = `reelsync bucket setup --only cors --origin ${origin} --yes`;
  try {
    await requestS3(call, "ListObjectsV2", (options) => client.send(command, options));
  } catch (error) {
    return warn("cors", "not seen", describe(codedError(error)).message, fix);
  }
  if (headers["access-control-allow-origin"] === undefined) {
    return warn("cors", `${origin} may not read`, "Pages there cannot play from the bucket", fix);
  }
  const exposed = (headers["access-control-expose-headers"] ?? "").split(",");
  if (!exposesETag(exposed))
    return warn("cors", `${origin} may read, ETag is hidden`, "Pages cannot tell versions apart", fix);
  return ok("cors", `${origin} may read and sees ETag`);
}

async function checkSetting(
  store: Store,
  setting: "versioning" | "lifecycle",
  cause: string,
): Promise<Check> {
  const { item } = await settle(setting, store satisfies Bucket, false);
  if (item.state === "ok" || item.state === "unsupported") return ok(setting, item.now ?? "");
  if (item.error !== undefined) {
    const fix = `allow the key to read the bucket's ${setting} setting`;
    return warn(setting, "not seen", item.error.message, fix);
  }
  const condition = isAws(store.config) ? "" : "  # if the store has it";
  return warn(setting, item.now ?? "", cause, `reelsync bucket setup --only ${setting} --yes${condition}`);
}
