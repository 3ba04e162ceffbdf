/** An object in one request. */
import { createHash } from "node:crypto";
import type { S3Client } from "@aws-sdk/client-s3";
import type { StoredObject } from "../../../contract/asset.ts";
import type { Call } from "../call.ts";
import type { S3Config } from "../config.ts";
import { ReelsyncError } from "../errors.ts";
import type { TransferSlots } from "./transfer-slots.ts";
import { putObject } from "./direct-put.ts";
import { requestS3 } from "./request-s3.ts";
import { s3Code } from "./s3-errors.ts";
import { objectHeaders, readBack, storedObject, type ObjectToStore } from "./stored-object.ts";

export async function putWhole(
  client: S3Client,
  config: S3Config,
  slots: TransferSlots,
  object: ObjectToStore,
  call: Call,
): Promise<StoredObject> {
  const { file, digests } = object;
  const answer = await slots.run(file.inMemory ? [] : [file.size], call.signal, async ([buffer]) => {
    const body = await file.read({ start: 0, end: file.size }, buffer);
    const sha256 = digests.sha256 ?? sha256Of(body);
    return requestS3(call, "PutObject", (options) =>
      putObject(client, objectHeaders(config, object), body, sha256, options),
    ).catch((error: unknown) => {
      throw blamedOnFile(error, body, sha256);
    });
  });
  object.onBytes(file.size);
  return answer.ETag === undefined || answer.ETag === ""
    ? readBack(client, config, object, call)
    : storedObject(config, object, answer);
}

/** When S3 says the body is not what was announced, either the file changed since it was hashed or the wire spoiled it. */
export function blamedOnFile(error: unknown, body: Buffer, announced: string | undefined): unknown {
  const cause = error instanceof Error ? s3Code(error.cause) : undefined;
  if (announced === undefined || (cause !== "XAmzContentSHA256Mismatch" && cause !== "BadDigest"))
    return error;
  return sha256Of(body) === announced
    ? error
    : new ReelsyncError("FILE_CHANGED", "The bytes are no longer those that were hashed", { cause: error });
}

function sha256Of(body: Buffer): string {
  return createHash("sha256").update(body).digest("hex");
}
