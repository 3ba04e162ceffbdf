/** Reads a request body once, in bounded memory: decode, hash and hand on in batches, verify at the end. */
import type { IncomingMessage } from "node:http";
import { BodyDigests, type BodyDigest } from "./body-digests.ts";
import { planBody, type BodyPlan } from "./body-plan.ts";
import type { ChecksumAlgorithm } from "./checksums.ts";
import { ChunkedDecoder } from "./chunked-body.ts";
import { S3Error } from "./errors.ts";
import type { S3Request } from "./request.ts";
import type { Segment, SegmentStore } from "./segments.ts";

const KIB = 1024;
/** Large enough that a system call a batch costs nothing, and that a small object is one batch. */
const BATCH_BYTES = 256 * KIB;
/** Per upload in flight: beyond this the socket waits. */
const MAX_PENDING_BYTES = 1024 * KIB;
const IDLE_TIMEOUT_MS = 60_000;

/** Streams the body into a new segment and returns it once every promise about the body has held. */
export async function receiveSegment(
  request: S3Request,
  plan: BodyPlan,
  store: SegmentStore,
  algorithm?: ChecksumAlgorithm,
): Promise<{ segments: Segment[]; digest: BodyDigest }> {
  const writer = store.createWriter();
  try {
    const digest = await receive(request, plan, (chunks) => writer.write(chunks), algorithm);
    return { segments: await writer.finish(), digest };
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** A document small enough to hold; its digests are verified like those of an object. */
export async function receiveDocument(request: S3Request, maxBytes: number): Promise<Buffer> {
  const isEmpty = !request.headers.has("content-length") && !request.headers.has("transfer-encoding");
  if (isEmpty) return Buffer.alloc(0);
  const plan = planBody(request.headers, request.payload, Infinity);
  if (plan.length > maxBytes) throw new S3Error("MaxMessageLengthExceeded");
  const received: Buffer[] = [];
  await receive(request, plan, async (chunks) => void received.push(...chunks));
  return Buffer.concat(received);
}

async function receive(
  request: S3Request,
  plan: BodyPlan,
  sink: (chunks: Buffer[]) => Promise<void>,
  algorithm?: ChecksumAlgorithm,
): Promise<BodyDigest> {
  const { payload } = plan;
  const decoder = payload.kind === "chunked" ? new ChunkedDecoder(payload.signing) : undefined;
  const digests = new BodyDigests(plan, algorithm);
  request.acceptBody();
  await readInBatches(request.incoming, decoder, async (chunks) => {
    // The disk works while this thread hashes.
    const written = sink(chunks);
    try {
      digests.update(chunks);
    } finally {
      await written;
    }
  });
  const hasTrailer = payload.kind === "chunked" && payload.hasTrailer;
  return digests.verify(decoder?.finish(hasTrailer) ?? new Map());
}

/**
 * One batch is in work at a time while the next is being gathered. On failure the rest of the body is read and thrown
 * away, so that the client gets the error instead of a broken pipe.
 */
function readInBatches(
  incoming: IncomingMessage,
  decoder: ChunkedDecoder | undefined,
  work: (chunks: Buffer[]) => Promise<void>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let pending: Buffer[] = [];
    let pendingBytes = 0;
    let working: Promise<void> | undefined;
    let hasEnded = false;
    let isSettled = false;

    const settle = (): void => {
      isSettled = true;
      clearTimeout(idleTimer);
      incoming.off("data", onData).off("end", onEnd).off("close", onClose);
      if (!incoming.readableEnded) incoming.resume();
    };
    const fail = (error: unknown): void => {
      if (isSettled) return;
      settle();
      const report = (): void => reject(error instanceof Error ? error : new Error(String(error)));
      // The caller undoes what was written; it must not do so under a write still in flight.
      if (working === undefined) report();
      else working.then(report, report);
    };

    const pump = (): void => {
      if (working !== undefined || isSettled) return;
      if (pendingBytes > 0 && (hasEnded || pendingBytes >= BATCH_BYTES)) {
        const batch = pending;
        pending = [];
        pendingBytes = 0;
        working = work(batch);
        working.then(
          () => {
            working = undefined;
            if (!hasEnded) incoming.resume();
            pump();
          },
          (error: unknown) => {
            working = undefined;
            fail(error);
          },
        );
      } else if (hasEnded) {
        settle();
        resolve();
      }
    };

    const onData = (chunk: Buffer): void => {
      idleTimer.refresh();
      try {
        for (const data of decoder?.decode(chunk) ?? [chunk]) {
          pending.push(data);
          pendingBytes += data.length;
        }
      } catch (error) {
        fail(error);
        return;
      }
      if (pendingBytes >= MAX_PENDING_BYTES) incoming.pause();
      pump();
    };
    const onEnd = (): void => {
      hasEnded = true;
      pump();
    };
    const onClose = (): void => {
      if (!hasEnded)
        fail(
          new S3Error("IncompleteBody", { message: "The connection closed before the body was complete." }),
        );
    };
    const idleTimer = setTimeout(() => {
      // Waiting for our own disk is not the client's idleness.
      if (working !== undefined) idleTimer.refresh();
      else if (!hasEnded) fail(new S3Error("RequestTimeout", { headers: { connection: "close" } }));
    }, IDLE_TIMEOUT_MS);

    incoming.on("error", () => undefined);
    incoming.on("data", onData).on("end", onEnd).on("close", onClose);
    if (incoming.destroyed && !incoming.readableEnded) onClose();
  });
}
