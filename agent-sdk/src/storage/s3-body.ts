/**
 * The bytes of an object as one stream, over as many connections as it takes: when one breaks, the next asks for the rest of
 * the same version. Holds a transfer slot until it has ended or was destroyed.
 */
import { Readable } from "node:stream";
import type { GetObjectCommandOutput } from "@aws-sdk/client-s3";
import type { Call } from "../call.ts";
import { isReelsyncError, ReelsyncError } from "../errors.ts";
import { toS3Error } from "../s3/s3-errors.ts";
import type { TransferSlots } from "../s3/transfer-slots.ts";

interface BodyOptions {
  slots: TransferSlots;
  call: Call;
  get: (range: { Range?: string; IfMatch?: string }) => Promise<GetObjectCommandOutput>;
}

/** Connections in a row that may break without having brought a byte. */
const FRUITLESS_CONNECTIONS = 3;

export async function openBody({ slots, call, get }: BodyOptions): Promise<{
  answer: GetObjectCommandOutput;
  body: Readable;
}> {
  return new Promise((resolve, reject) => {
    const held = slots.run([], call.signal, async () => {
      const answer = await get({});
      const connection = { stream: answer.Body as Readable };
      const body = Readable.from(chunksOf(connection, answer, call, get), { objectMode: false });
      // Whoever reads it hears of an error anyway; a body that nobody reads must not end the process.
      body.on("error", () => undefined);
      const closed = new Promise<void>((done) => body.once("close", done));
      // A deadline that passes while nobody reads has to let go of the connection too.
      const onAbort = () => body.destroy(call.signal.reason as Error);
      call.signal.addEventListener("abort", onAbort, { once: true });
      resolve({ answer, body });
      await closed;
      // A generator that was never started does not clean up after itself.
      connection.stream.destroy();
      call.signal.removeEventListener("abort", onAbort);
      call.dispose();
    });
    held.catch(reject);
  });
}

async function* chunksOf(
  connection: { stream: Readable },
  { ContentLength: size = 0, ETag }: GetObjectCommandOutput,
  call: Call,
  get: BodyOptions["get"],
): AsyncGenerator<Buffer, void, void> {
  let at = 0;
  for (let fruitless = 0; ;) {
    const startedAt = at;
    try {
      for await (const chunk of connection.stream as AsyncIterable<Buffer>) {
        at += chunk.length;
        yield chunk;
      }
      if (at === size) return;
    } catch (error) {
      call.signal.throwIfAborted();
      const failure = toS3Error(error, "GetObject", call.signal);
      if (!failure.retryable) throw failure;
    }
    fruitless = at > startedAt ? 0 : fruitless + 1;
    if (fruitless > FRUITLESS_CONNECTIONS) {
      throw new ReelsyncError("S3_UNAVAILABLE", `The object broke off at byte ${at} of ${size}`);
    }
    call.retries += 1;
    connection.stream.destroy();
    connection.stream = await resume(get, at, ETag);
  }
}

async function resume(get: BodyOptions["get"], at: number, etag: string | undefined): Promise<Readable> {
  try {
    const answer = await get({ Range: `bytes=${at}-`, ...(etag !== undefined && { IfMatch: etag }) });
    return answer.Body as Readable;
  } catch (error) {
    if (!isReelsyncError(error) || error.retryable) throw error;
    throw new ReelsyncError("FILE_CHANGED", "The object was replaced or removed while it was being read", {
      cause: error,
    });
  }
}
