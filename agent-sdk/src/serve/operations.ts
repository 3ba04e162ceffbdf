/**
 * What a sidecar can be asked, one entry each, with what it has to be told. HTTP and JSON lines are two ways to say the
 * same. Types and sizes are judged by the SDK, so that each fault keeps its own code.
 */
import { basename } from "node:path";
import { Readable } from "node:stream";
import * as z from "zod";
import {
  correlationIdSchema,
  entityTypeSchema,
  metadataSchema,
  type AssetType,
} from "../../../contract/asset.ts";
import { MIB } from "../../../contract/limits.ts";
import { sceneUpsertSchema } from "../../../contract/scene.ts";
import { sessionCreateSchema } from "../../../contract/session.ts";
import type { Reelsync } from "../client.ts";
import { openDiskFile } from "../file/asset-file.ts";
import { NO_LIMIT_MS } from "../resilience/deadline.ts";
import type { UploadRequest } from "../upload-request.ts";
import { toldError } from "./told-error.ts";

/** What one request brings with it beside its parameters. */
export interface Asked {
  correlationId: string;
  signal: AbortSignal;
  /** Told while it lasts. */
  onProgress: (progress: object) => void;
}

/** What an operation works with. */
export interface Desk {
  reelsync: Reelsync;
  /** Ends what is under way with this correlation id, and says how much that was. */
  cancel: (correlationId: string) => number;
}

export interface Operation {
  method: "GET" | "POST";
  /** Below `/v1`; what begins with a colon is a parameter. */
  path: string;
  does: string;
  params: z.ZodType;
  run: (desk: Desk, params: unknown, asked: Asked) => Promise<unknown>;
}

function defineOperation<Params extends z.ZodType>(
  definition: Omit<Operation, "params" | "run"> & {
    params: Params;
    run: (desk: Desk, params: z.infer<Params>, asked: Asked) => Promise<unknown>;
  },
): Operation {
  return definition as Operation;
}

const id = z.string().min(1);
const timeoutMs = z.number().int().min(1).max(NO_LIMIT_MS).exactOptional();

/** Everything of an upload but where its bytes are. */
export const describedSchema = z.strictObject({
  entity: z.strictObject({ type: entityTypeSchema, id }),
  assetType: z.custom<AssetType>((given) => typeof given === "string", "expected a text"),
  chunkIndex: z.number().exactOptional(),
  fileName: z.string().exactOptional(),
  contentType: z.string().exactOptional(),
  durationMs: z.number().min(0).exactOptional(),
  metadata: metadataSchema.exactOptional(),
  historyOnly: z.boolean().exactOptional(),
  /** Instead of the request's own: the uploads of a batch may have one each. */
  correlationId: correlationIdSchema.exactOptional(),
  timeoutMs,
});
type DescribedUpload = z.infer<typeof describedSchema>;

const uploadSchema = describedSchema.extend({
  /** A path on this machine; a relative one is looked for where the sidecar was started. */
  file: id,
  /** The file may be gone as soon as the answer is there: its bytes are taken in first. */
  temporary: z.boolean().exactOptional(),
});

const noParams = z.strictObject({});

export const OPERATIONS = {
  createSession: defineOperation({
    method: "POST",
    path: "/sessions",
    does: "creates a session, or finds the one with this project and key",
    params: sessionCreateSchema.strict(),
    run: ({ reelsync }, session, { signal }) => reelsync.createSession(session, { signal }),
  }),
  endSession: defineOperation({
    method: "POST",
    path: "/sessions/:sessionId/end",
    does: "says that a session has ended",
    params: z.strictObject({
      sessionId: id,
      outcome: z.enum(["ended", "failed"]).exactOptional(),
      errorMessage: z.string().exactOptional(),
    }),
    async run({ reelsync }, { sessionId, outcome = "ended", errorMessage }, { signal }) {
      const why = errorMessage === undefined ? {} : { errorMessage };
      await reelsync.endSession({ sessionId, outcome, ...why }, { signal });
      return { sessionId, outcome };
    },
  }),
  upsertScene: defineOperation({
    method: "POST",
    path: "/scenes",
    does: "creates or changes the scene with this session and key",
    params: sceneUpsertSchema.strict(),
    run: ({ reelsync }, scene, { signal }) => reelsync.upsertScene(scene, { signal }),
  }),
  upload: defineOperation({
    method: "POST",
    path: "/uploads",
    does: "uploads a file of this machine",
    params: uploadSchema,
    run: ({ reelsync }, { file, temporary, ...described }, asked) =>
      temporary === true
        ? upload(reelsync, Readable.from(bytesOf(file)), { fileName: basename(file), ...described }, asked)
        : upload(reelsync, file, described, asked),
  }),
  uploadBatch: defineOperation({
    method: "POST",
    path: "/batch",
    does: "uploads many files at once; one that fails leaves the others alone",
    params: z.strictObject({
      uploads: z.array(uploadSchema.omit({ temporary: true })).max(10_000),
      timeoutMs,
    }),
    async run({ reelsync }, { uploads, timeoutMs: limit }, { signal, correlationId, onProgress }) {
      const requests = uploads.map(({ file, ...described }, index) => ({
        correlationId,
        ...described,
        file,
        onProgress: (progress: object) => onProgress({ index, ...progress }),
      }));
      const { successful, failed } = await reelsync.batchSyncAssets(requests, {
        signal,
        ...(limit !== undefined && { timeoutMs: limit }),
      });
      return { successful, failed: failed.map(({ index, error }) => ({ index, error: toldError(error) })) };
    },
  }),
  ingestFromUrl: defineOperation({
    method: "POST",
    path: "/ingest",
    does: "takes what a provider's URL answers with",
    params: describedSchema.extend({
      url: id,
      maxBytes: z.number().int().min(1).exactOptional(),
      creative: z.string().exactOptional(),
      iteration: z.union([z.string(), z.number()]).exactOptional(),
    }),
    run: ({ reelsync }, { url, ...described }, { signal, correlationId, onProgress }) =>
      reelsync.ingestFromUrl(url, { correlationId, ...described, signal, onProgress }),
  }),
  uploadStatus: defineOperation({
    method: "GET",
    path: "/uploads/:uploadId",
    does: "where an upload is now",
    params: z.strictObject({ uploadId: z.uuid() }),
    run: ({ reelsync }, { uploadId }, { signal }) => reelsync.uploadStatus(uploadId, { signal }),
  }),
  assetUrl: defineOperation({
    method: "GET",
    path: "/assets/:assetId/url",
    does: "a fresh URL of a stored asset",
    params: z.strictObject({ assetId: id }),
    run: ({ reelsync }, { assetId }, { signal }) => reelsync.urlFor(assetId, { signal }),
  }),
  drain: defineOperation({
    method: "POST",
    path: "/drain",
    does: "sends what waits in the journal",
    params: noParams,
    run: ({ reelsync }, _params, { signal }) => reelsync.drain({ signal }),
  }),
  listDeadLetters: defineOperation({
    method: "GET",
    path: "/dead-letters",
    does: "the dead letters, those of this disk first",
    params: noParams,
    run: async ({ reelsync }, _params, { signal }) => ({
      deadLetters: await reelsync.deadLetters.list({ signal }),
    }),
  }),
  replayDeadLetter: defineOperation({
    method: "POST",
    path: "/dead-letters/:id/replay",
    does: "sends a dead letter through the line again",
    params: z.strictObject({ id }),
    run: ({ reelsync }, params, { signal, onProgress }) =>
      reelsync.deadLetters.replay(params.id, { signal, onProgress }),
  }),
  cancel: defineOperation({
    method: "POST",
    path: "/cancel",
    does: "takes back what is under way with this correlation id",
    params: z.strictObject({ correlationId: correlationIdSchema }),
    run: async ({ cancel }, { correlationId }) => ({ cancelled: cancel(correlationId) }),
  }),
  health: defineOperation({
    method: "GET",
    path: "/health",
    does: "the circuit breakers, and what waits in the journal",
    params: noParams,
    run: async ({ reelsync }) => ({ breakers: reelsync.breakers, journal: reelsync.journal }),
  }),
} satisfies Record<string, Operation>;

/** Opened when it is read, so that an upload that is refused before that leaves nothing open; judged as any file is. */
async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  const file = await openDiskFile(path);
  try {
    for (let start = 0; start < file.size; start += MIB) {
      yield await file.read({ start, end: Math.min(start + MIB, file.size) });
    }
    await file.assertUnchanged();
  } finally {
    await file.close();
  }
}

export function upload(
  reelsync: Reelsync,
  file: UploadRequest["file"],
  described: DescribedUpload,
  { signal, correlationId, onProgress }: Asked,
) {
  return reelsync.uploadWithConvexSync({ correlationId, ...described, file, signal, onProgress });
}
