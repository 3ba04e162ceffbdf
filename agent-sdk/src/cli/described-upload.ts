/** How a command line says what an upload is: the options that `upload` and `ingest` share, and what they amount to. */
import { ASSET_TYPES, type AssetType, type Metadata } from "../../../contract/asset.ts";
import type { ErrorCode } from "../../../contract/error-code.ts";
import type { PublishedUpload, UploadRequest, UploadResult } from "../upload-request.ts";
import { plain } from "./columns.ts";
import type { Context } from "./context.ts";
import { UsageError } from "./exit-code.ts";
import { queuedInWords } from "./queueing.ts";
import { size } from "./quantities.ts";

export const DESCRIBING_OPTIONS = {
  scene: { kind: "text", placeholder: "ID", summary: "The scene they belong to" },
  session: { kind: "text", placeholder: "ID", summary: "The session they belong to, instead of a scene" },
  type: { kind: "text", placeholder: "TYPE", required: true, choices: ASSET_TYPES, summary: "What they are" },
  chunk: { kind: "count", summary: "Place among the chunks, from 0" },
  name: { kind: "text", summary: "File name to record instead of the file's own" },
  "content-type": { kind: "text", summary: "Instead of the one that follows from the name" },
  "duration-ms": { kind: "count", placeholder: "MS", summary: "Length of the media" },
  "history-only": { kind: "flag", summary: "Record the version in the history, and never show it" },
  "correlation-id": {
    kind: "text",
    placeholder: "ID",
    summary: "What to call the upload in logs, object and record",
  },
  meta: { kind: "text", placeholder: "KEY=VALUE", many: true, summary: "A fact to record with them" },
} as const;

export interface DescribingValues {
  scene: string | undefined;
  session: string | undefined;
  type: AssetType;
  chunk: number | undefined;
  name: string | undefined;
  "content-type": string | undefined;
  "duration-ms": number | undefined;
  "history-only": boolean;
  "correlation-id": string | undefined;
  meta: string[];
}

/** Everything of an upload but where its bytes are. */
export function describedBy(
  options: DescribingValues,
  context: Context,
  help: string,
): Omit<UploadRequest, "file"> {
  const metadata = metadataOf(options.meta, help);
  return {
    entity: entityOf(options, help),
    assetType: options.type,
    chunkIndex: options.chunk ?? 0,
    ...(options.name !== undefined && { fileName: options.name }),
    ...(options["content-type"] !== undefined && { contentType: options["content-type"] }),
    ...(options["duration-ms"] !== undefined && { durationMs: options["duration-ms"] }),
    ...(options["history-only"] && { historyOnly: true }),
    ...(metadata !== undefined && { metadata }),
    ...(options["correlation-id"] !== undefined && { correlationId: options["correlation-id"] }),
    ...(context.timeoutMs !== undefined && { timeoutMs: context.timeoutMs }),
    signal: context.signal,
  };
}

function entityOf({ scene, session }: DescribingValues, help: string): UploadRequest["entity"] {
  if ((scene === undefined) === (session === undefined)) {
    throw new UsageError("Either --scene or --session says where the files belong", help);
  }
  return scene === undefined ? { type: "session", id: session ?? "" } : { type: "scene", id: scene };
}

/** `true`, `false` and numbers are recorded as what they look like. */
function metadataOf(pairs: readonly string[], help: string): Metadata | undefined {
  if (pairs.length === 0) return undefined;
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1) throw new UsageError(`--meta is "${pair}", expected KEY=VALUE`, help);
      return [pair.slice(0, at), valueOf(pair.slice(at + 1))];
    }),
  );
}

function valueOf(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  // Only what reads back as it was written: "007" and "1e999" are text.
  return text !== "" && String(Number(text)) === text && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** As a person reads how an upload ended. */
export function resultLine(
  file: string,
  result: UploadResult & { code?: ErrorCode },
  paint: Context["output"]["paint"],
): string {
  switch (result.state) {
    case "skipped":
      return `${plain(file)}  skipped (the rollout is off)`;
    case "queued":
      return [
        plain(file),
        paint("yellow", queuedInWords(result.code)),
        size(result.size),
        result.uploadId,
      ].join("  ");
    default:
      return publishedLine(file, result, paint);
  }
}

function publishedLine(file: string, result: PublishedUpload, paint: Context["output"]["paint"]): string {
  const { assetId, state, version, s3Key, deduped } = result;
  return [
    plain(file),
    paint(state === "ready" ? "green" : "yellow", deduped ? `${state} (known already)` : state),
    `v${version}`,
    size(result.size),
    assetId,
    s3Key,
  ].join("  ");
}
