/**
 * The bytes of an asset that the other storage than the client's own keeps: by the URL that the deployment signs for
 * players, gone on with where a connection broke. The key names the content and what arrives is hashed, so nothing else
 * has to tell that the rest is of the same file.
 */
import type { IncomingMessage } from "node:http";
import type { Asset } from "../../../contract/asset.ts";
import { SECOND } from "../../../contract/limits.ts";
import type { SignedAssetUrl } from "../../../contract/playback.ts";
import type { Call } from "../call.ts";
import { isReelsyncError, ReelsyncError, retryAfterMs } from "../errors.ts";
import type { Events } from "../events.ts";
import { keepAgents } from "../http-agents.ts";
import { restOf, resumedStream } from "../resilience/resumed-stream.ts";
import type { RetryPolicy } from "../resilience/retry.ts";
import { damaged, type AssetSource } from "./fetch-asset.ts";

export interface SignedDownloadParts {
  urlFor: (assetId: string, call: Call) => Promise<SignedAssetUrl>;
  policy: RetryPolicy;
  events: Events;
}

export interface SignedDownloads {
  source: AssetSource<Asset>;
  close: () => void;
}

/** Connecting, the answer's head and any pause within its body. */
const IDLE_MS = 30 * SECOND;

export function createSignedDownloads({ urlFor, policy, events }: SignedDownloadParts): SignedDownloads {
  const { ask, close } = keepAgents();

  function get(url: string, from: number, signal: AbortSignal): Promise<IncomingMessage> {
    const headers = { "Accept-Encoding": "identity", ...(from > 0 && { Range: `bytes=${from}-` }) };
    return ask(url, { method: "GET", headers, signal, idleMs: IDLE_MS });
  }

  async function* source(asset: Asset, call: Call): AsyncGenerator<Buffer, void, undefined> {
    const { signal } = call;
    let signed = await urlFor(asset.assetId, call);
    const open = async (from: number) => {
      if (signed.renewAt !== null && Date.now() >= signed.renewAt) signed = await urlFor(asset.assetId, call);
      const { url } = signed;
      const answer = await get(url, from, signal).catch((error: unknown) => {
        throw unreached(asset, url, error);
      });
      try {
        assertGiven(asset, url, answer, from);
      } catch (error) {
        answer.destroy();
        throw error;
      }
      const bytes = bodyOf(asset, url, answer);
      return answer.statusCode === 206 ? bytes : restOf(bytes, from);
    };
    yield* resumedStream(open, {
      policy,
      call,
      onRetry({ attempt, delayMs, error: { code } }) {
        call.retries += 1;
        const dependency = asset.storageBackend === "local" ? "fileDoor" : "s3";
        events.emit({ type: "retry", dependency, operation: "GET", attempt, delayMs, code });
      },
    });
  }

  return { source, close };
}

function assertGiven(asset: Asset, url: string, answer: IncomingMessage, from: number): void {
  const { statusCode: status = 0, headers } = answer;
  if (status === 404) throw damaged(asset, "has no object");
  if (status >= 500 || status === 429 || status === 408) throw unreached(asset, url, undefined, answer);
  if (status !== 200 && status !== 206) throw refused(asset, url, status);
  const length = headers["content-length"];
  const size = Number(length) + (status === 206 ? from : 0);
  if (length !== undefined && size !== asset.size) {
    throw damaged(asset, `has ${size} bytes instead of ${asset.size}`);
  }
}

async function* bodyOf(asset: Asset, url: string, answer: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of answer) yield chunk as Buffer;
  } catch (error) {
    throw unreached(asset, url, error);
  }
}

function unreached(asset: Asset, url: string, cause: unknown, answer?: IncomingMessage): ReelsyncError {
  // A proxy that cannot be used says so itself.
  if (isReelsyncError(cause)) return cause;
  const why =
    answer === undefined
      ? `was not reached (${(cause as NodeJS.ErrnoException).code ?? (cause as Error).message})`
      : `answers HTTP ${answer.statusCode}`;
  return new ReelsyncError(
    asset.storageBackend === "local" ? "FILE_DOOR_UNAVAILABLE" : "S3_UNAVAILABLE",
    `Asset ${asset.assetId} is kept behind ${new URL(url).origin}, which ${why}`,
    { cause, retryAfterMs: retryAfterMs(answer?.headers["retry-after"]) },
  );
}

/** The deployment signs it, so what is wrong is between the two of them. */
function refused({ assetId, storageBackend }: Asset, url: string, status: number): ReelsyncError {
  const fact = `${new URL(url).origin} refuses the URL that the deployment signed for asset ${assetId} (HTTP ${status})`;
  return storageBackend === "local"
    ? new ReelsyncError("CONFIG_INVALID", `${fact}: both need the same STORAGE_LOCAL_SIGNING_KEY`)
    : new ReelsyncError("S3_ACCESS_DENIED", fact);
}
