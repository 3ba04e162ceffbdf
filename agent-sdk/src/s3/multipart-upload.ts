/**
 * A multipart upload that can be attempted more than once, by this process or by a later one: what S3 has acknowledged
 * is not sent again. It ends in exactly one of two ways, completed or abandoned; abandoning leaves no parts behind.
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  UploadPartCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { StoredObject } from "../../../contract/asset.ts";
import type { Call } from "../call.ts";
import type { S3Config } from "../config.ts";
import { codedError, isReelsyncError, ReelsyncError } from "../errors.ts";
import { partRanges, type MultipartPlan, type PartRange } from "../upload-plan.ts";
import { abortNameless } from "./nameless-uploads.ts";
import { requestS3, UNSIGNED, withBodyDigest } from "./request-s3.ts";
import { s3Code } from "./s3-errors.ts";
import { blamedOnFile } from "./single-put.ts";
import { objectHeaders, readBack, unquoted, type ObjectToStore } from "./stored-object.ts";
import type { TransferSlots } from "./transfer-slots.ts";

/** A fourth gains less than a twentieth (measured), and its 16 MiB would be a tenth of what a process may take. */
export const PARTS_IN_FLIGHT = 3;
/** No later process finds these bytes where they were. */
const IN_MEMORY = "memory";

export interface MultipartUpload {
  /** Sends what is missing, completes, reads back. */
  attempt: (call: Call) => Promise<StoredObject>;
  /** Removes from the bucket what nobody will go on with. */
  abandon: (call: Call) => Promise<void>;
  readonly s3UploadId: string | undefined;
}

export function createMultipartUpload(
  client: S3Client,
  config: S3Config,
  slots: TransferSlots,
  object: ObjectToStore & { plan: MultipartPlan },
): MultipartUpload {
  const { file, plan, digests } = object;
  const where = { Bucket: config.bucket, Key: object.key };
  const ranges = [...partRanges({ size: file.size, partSize: plan.partSize })];
  const begun = object.parts?.open;
  const isOurs = begun?.key === object.key && begun.partSize === plan.partSize && holds(begun.mark);
  const resumable = isOurs ? begun : undefined;
  let uploadId = resumable?.s3UploadId;
  /** Parts another process has sent are counted once S3 has shown them. */
  let unseen = resumable?.etags;
  let etags = new Map<number, string>();
  /** Whether the bucket may hold an upload of ours whose id was never heard. */
  let mayBeNameless = object.again === true;

  /** Signed parts are the hashed bytes by proof, unsigned ones as long as their file is the same. */
  function holds(mark: string | undefined): boolean {
    return mark === undefined || mark === file.mark;
  }

  const sumOf = (parts: ReadonlyMap<number, string>) =>
    ranges.reduce((sum, { number, start, end }) => sum + (parts.has(number) ? end - start : 0), 0);

  /** For small requests that carry none of the file's bytes. */
  const control = <T>(call: Call, request: () => Promise<T>) => slots.run([], call.signal, request);

  async function create(call: Call): Promise<string> {
    await removeOutdated(call);
    const command = new CreateMultipartUploadCommand(objectHeaders(config, object));
    // Not cancellable: a reply that nobody reads would leave an upload whose id nobody knows. But none is begun after the end.
    command.middlewareStack.add(
      (next) => async (args) => {
        call.signal.throwIfAborted();
        return next(args);
      },
      { step: "deserialize", priority: "low", name: "notAfterTheEnd" },
    );
    const before = mayBeNameless;
    mayBeNameless = true;
    const created = await control(call, () =>
      requestS3(call, "CreateMultipartUpload", () => client.send(command)),
    );
    mayBeNameless = before || (created.$metadata.attempts ?? 1) > 1;
    if (created.UploadId === undefined) throw new ReelsyncError("S3_REFUSED", "S3 named no upload id");
    object.parts?.begin({
      s3UploadId: created.UploadId,
      key: object.key,
      partSize: plan.partSize,
      ...(!plan.signed && { mark: file.mark ?? IN_MEMORY }),
    });
    return created.UploadId;
  }

  /**
   * Parts of an earlier process, which hold what this file holds (see `holds`). So number and size tell that one is
   * ours; an ETag that was noted has to be the one S3 shows.
   */
  async function adoptParts(id: string, noted: ReadonlyMap<number, string>, call: Call): Promise<void> {
    // Not the SDK's paginator: S3 names a next marker on the last page too, and it would never end.
    const found = new Map<number, string>();
    for (let marker: string | undefined; ;) {
      const command = new ListPartsCommand({
        ...where,
        UploadId: id,
        ...(marker !== undefined && { PartNumberMarker: marker }),
      });
      const page = await control(call, () =>
        requestS3(call, "ListParts", (options) => client.send(command, options)),
      );
      for (const { PartNumber = 0, Size, ETag = "" } of page.Parts ?? []) {
        const range = ranges[PartNumber - 1];
        if (range === undefined || Size !== range.end - range.start) continue;
        if (unquoted(noted.get(PartNumber) ?? ETag) === unquoted(ETag)) found.set(PartNumber, ETag);
      }
      if (page.IsTruncated !== true || page.NextPartNumberMarker === marker) break;
      marker = page.NextPartNumberMarker;
    }
    etags = found;
    object.onBytes(sumOf(found));
  }

  async function sendPart(range: PartRange, id: string, call: Call, signal: AbortSignal): Promise<void> {
    const size = range.end - range.start;
    await slots.run(file.inMemory ? [] : [size], signal, async ([buffer]) => {
      const body = await file.read(range, buffer);
      // Where parts are signed and were not known while hashing, the AWS SDK digests each as it sends it.
      const digest = digests.parts?.[range.number - 1];
      const signedAs = plan.signed ? digest : UNSIGNED;
      const command = new UploadPartCommand({ ...where, UploadId: id, PartNumber: range.number, Body: body });
      const answer = await requestS3(
        call,
        `UploadPart ${range.number}`,
        (options) => client.send(withBodyDigest(command, signedAs), options),
        signal,
      ).catch((error: unknown) => {
        throw blamedOnFile(error, body, digest);
      });
      etags.set(range.number, answer.ETag ?? "");
      object.parts?.acknowledge(range.number, answer.ETag ?? "");
    });
    object.onBytes(size);
  }

  /**
   * After a failure no further part is begun, and those under way are kept for the next attempt, unless there will be
   * none. Nothing is still in flight when this returns or throws.
   */
  async function sendMissing(id: string, call: Call): Promise<void> {
    const missing = ranges.filter(({ number }) => !etags.has(number)).values();
    const others = new AbortController();
    const signal = AbortSignal.any([call.signal, others.signal]);
    let failure: ReelsyncError | undefined;
    const worker = async () => {
      for (const range of missing) {
        if (failure !== undefined) return;
        try {
          await sendPart(range, id, call, signal);
        } catch (error) {
          failure ??= codedError(error);
          if (!failure.retryable) others.abort(failure);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARTS_IN_FLIGHT, ranges.length) }, worker));
    if (failure !== undefined) throw failure;
  }

  async function complete(id: string, call: Call): Promise<void> {
    const Parts = ranges.map(({ number }) => ({ PartNumber: number, ETag: etags.get(number) }));
    const command = new CompleteMultipartUploadCommand({
      ...where,
      UploadId: id,
      MultipartUpload: { Parts },
    });
    await control(call, () =>
      requestS3(call, "CompleteMultipartUpload", (options) => client.send(command, options)),
    );
  }

  /** What the ledger still names when an upload is created cannot be gone on with. The bucket's own rule removes what stays. */
  async function removeOutdated(call: Call): Promise<void> {
    const { open: outdated } = object.parts ?? {};
    if (outdated === undefined) return;
    const { key: Key, s3UploadId: UploadId } = outdated;
    await control(call, () => removeParts(client, { ...where, Key, UploadId }, call)).catch(() => undefined);
  }

  /** A key that may not list, or a store that is down again, keeps what is empty: no reason to fail an upload. */
  async function sweep(call: Call): Promise<void> {
    await control(call, () => abortNameless(client, where, uploadId, call)).then(
      () => (mayBeNameless = false),
      () => undefined,
    );
  }

  function startOver() {
    object.onBytes(-sumOf(etags));
    object.parts?.forget();
    uploadId = undefined;
    unseen = undefined;
    etags = new Map();
  }

  async function attempt(call: Call): Promise<StoredObject> {
    try {
      if (uploadId !== undefined && unseen !== undefined) {
        await adoptParts(uploadId, unseen, call);
        unseen = undefined;
      }
      uploadId ??= await create(call);
      if (mayBeNameless) await sweep(call);
      await sendMissing(uploadId, call);
      // Before there is an object: an older version with the same content may be kept under this key.
      await file.assertUnchanged();
      object.onVerifying();
      await complete(uploadId, call);
    } catch (error) {
      if (!isGone(error)) throw error;
      // Completed by a request whose reply was lost, or removed by the bucket's rules: the object itself tells.
      const stored = await readBack(client, config, object, call).catch(() => undefined);
      if (stored !== undefined) return stored;
      if (uploadId !== undefined) {
        await removeParts(client, { ...where, UploadId: uploadId }, call).catch(() => undefined);
      }
      startOver();
      throw new ReelsyncError("S3_UNAVAILABLE", "The multipart upload is gone from the bucket", {
        cause: error,
      });
    }
    return control(call, () => readBack(client, config, object, call));
  }

  return {
    attempt,
    async abandon(call) {
      if (uploadId !== undefined) await removeParts(client, { ...where, UploadId: uploadId }, call);
      if (mayBeNameless) await sweep(call);
    },
    get s3UploadId() {
      return uploadId;
    },
  };
}

export async function removeParts(
  client: S3Client,
  upload: { Bucket: string; Key: string; UploadId: string },
  call: Call,
): Promise<void> {
  // A part that was being received during the first abort may have been stored after it.
  for (let left = 2; left > 0; left--) {
    try {
      await requestS3(call, "AbortMultipartUpload", (options) =>
        client.send(new AbortMultipartUploadCommand(upload), options),
      );
      await requestS3(call, "ListParts", (options) => client.send(new ListPartsCommand(upload), options));
    } catch (error) {
      if (isGone(error)) return;
      throw error;
    }
  }
}

function isGone(error: unknown): boolean {
  if (!isReelsyncError(error)) return false;
  const code = s3Code(error.cause);
  return code === "NoSuchUpload" || code === "InvalidPart";
}
