/**
 * A provider's file into the bucket, with its record: the answer's bytes go through the one upload line as a stream.
 * Where nothing can be stored because the deployment has no bucket, the caller gets the provider's own URL back.
 */
import { extname } from "node:path";
import { Readable } from "node:stream";
import { acceptsContentType, type AssetType, type Metadata } from "../../../contract/asset.ts";
import { GIB } from "../../../contract/limits.ts";
import { openCall, type Call } from "../call.ts";
import type { Config, Mode } from "../config.ts";
import { tokenIfAnswered, type AgentTokens } from "../convex/agent-token.ts";
import { isReelsyncError, ReelsyncError } from "../errors.ts";
import type { Events } from "../events.ts";
import { guessContentType, usualFileName } from "../file/content-type.ts";
import {
  assertHolds,
  type PublishedUpload,
  type UploadRequest,
  type UploadResult,
} from "../upload-request.ts";
import { openProviderDownload, type ProviderDownload } from "./provider-download.ts";
import { createProviderRequest, shown } from "./provider-request.ts";

export interface IngestRequest extends Omit<UploadRequest, "file"> {
  /** Most bytes the file may have, 5 GiB unless given; the tenant's own limit holds as well. */
  maxBytes?: number;
  /** What the provider made it for, and in which attempt: recorded as `creative` and `iteration`. */
  creative?: string;
  iteration?: string | number;
}

/** The deployment has no bucket: nothing was downloaded, stored or recorded. */
export interface NotStored {
  state: "not_stored";
  /** The provider's own URL, as it was given. */
  url: string;
  warning: { code: "STORAGE_UNCONFIGURED"; message: string };
  // Declared, so that they can be asked for before `state` is.
  assetId?: undefined;
  s3Key?: undefined;
}

export interface Ingest<M extends Mode = Mode> {
  /**
   * Downloads a public http(s) URL through the upload line: size-capped, content type checked, private addresses refused.
   * The record's metadata says where it came from. Answers `not_stored` with the URL itself where the deployment has no bucket.
   */
  ingestFromUrl: (
    url: string,
    request: IngestRequest,
  ) => Promise<(M extends "strict" ? PublishedUpload : UploadResult) | NotStored>;
}

export interface IngestParts {
  config: Config;
  tokens: AgentTokens;
  events: Events;
  upload: (request: UploadRequest) => Promise<UploadResult>;
}

const MAX_INGEST_BYTES = 5 * GIB;
/** Leaves most of the record's metadata to the caller. */
const MAX_URL_LENGTH = 2_000;

export function createIngest({ config, tokens, events, upload }: IngestParts) {
  const request = createProviderRequest({ allowHosts: config.ingestAllowHosts });
  let tenantId: string | undefined;

  async function open(url: string, maxBytes: number, call: Call): Promise<ProviderDownload> {
    return openProviderDownload(request, url, maxBytes, {
      policy: config.retry,
      call,
      onRetry({ attempt, delayMs, error }) {
        call.retries += 1;
        events.emit({
          type: "retry",
          dependency: "provider",
          operation: "ingestFromUrl",
          attempt,
          delayMs,
          code: error.code,
        });
      },
    });
  }

  async function ingest(url: string, ingested: IngestRequest, call: Call): Promise<UploadResult> {
    const { maxBytes = MAX_INGEST_BYTES, creative, iteration, metadata, ...rest } = ingested;
    // Before a byte is downloaded for nothing.
    assertHolds(rest.entity, rest.assetType);
    // Convex being down is for the line to deal with: a provider's URL may not live until it is back.
    tenantId = (await tokenIfAnswered(tokens))?.tenantId ?? tenantId;
    const download = await open(url, maxBytes, call);
    try {
      const { fileName, contentType } = nameAndType(url, rest, download.contentType);
      const facts: Metadata = {
        ...metadata,
        originalUrl: shown(url).slice(0, MAX_URL_LENGTH),
        ...(tenantId !== undefined && { tenant: tenantId }),
        ...(creative !== undefined && { creative }),
        ...(iteration !== undefined && { iteration }),
      };
      return await upload({
        ...rest,
        ...(fileName !== undefined && { fileName }),
        contentType,
        metadata: facts,
        file: Readable.from(download.bytes, { objectMode: false }),
        signal: call.signal,
        timeoutMs: call.remainingMs(),
      });
    } finally {
      download.close();
    }
  }

  return async (url: string, ingested: IngestRequest): Promise<UploadResult | NotStored> => {
    const { signal, timeoutMs = config.timeoutMs } = ingested;
    const call = openCall({ timeoutMs, signal });
    try {
      return await ingest(url, ingested, call);
    } catch (error) {
      if (!isReelsyncError(error) || error.code !== "STORAGE_UNCONFIGURED") throw error;
      events.emit({ type: "warning", about: "ingesting a URL", code: error.code, message: error.message });
      return { state: "not_stored", url, warning: { code: error.code, message: error.message } };
    } finally {
      call.dispose();
    }
  };
}

/** What the provider says counts, then what the caller says, then the name. An error page is no video, whoever says so. */
function nameAndType(
  url: string,
  { assetType, fileName, contentType }: { assetType: AssetType; fileName?: string; contentType?: string },
  told: string | undefined,
): { fileName: string | undefined; contentType: string } {
  const last = lastSegment(url);
  const named = fileName ?? (extname(last) === "" ? undefined : last);
  const type = told ?? contentType ?? guessContentType(named ?? "", assetType);
  if (type === undefined) {
    throw new ReelsyncError("INVALID_ARGUMENT", `${shown(url)} comes without a content type`, {
      hint: "Pass contentType (--content-type on the command line).",
    });
  }
  if (!acceptsContentType(assetType, type)) {
    throw new ReelsyncError(
      "CONTENT_TYPE_FORBIDDEN",
      `${shown(url)} is ${type}, which an asset of type ${assetType} cannot be`,
    );
  }
  // Of two types that both fit, the caller's is the more exact one.
  return { fileName: named ?? usualFileName(assetType, type), contentType: contentType ?? type };
}

function lastSegment(url: string): string {
  const segment = new URL(url).pathname.split("/").pop() ?? "";
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
