/** One file of a provider as a stream: what it is, known before its first byte, and its bytes, gone on with after a cut. */
import type { IncomingMessage } from "node:http";
import { ReelsyncError } from "../errors.ts";
import { restOf, resumedStream, type ResumeOptions } from "../resilience/resumed-stream.ts";
import { retry } from "../resilience/retry.ts";
import { shown, toProviderError, type ProviderRequest } from "./provider-request.ts";

export interface ProviderDownload {
  /** As the provider says it; absent when it says nothing, or only that it is bytes. */
  contentType: string | undefined;
  bytes: AsyncGenerator<Buffer, void, undefined>;
  /** Lets go of the connection when the bytes are not wanted. */
  close: () => void;
}

const SAYS_NOTHING: ReadonlySet<string> = new Set([
  "application/octet-stream",
  "binary/octet-stream",
  "application/x-download",
]);

export async function openProviderDownload(
  request: ProviderRequest,
  url: string,
  maxBytes: number,
  options: ResumeOptions,
): Promise<ProviderDownload> {
  const { policy, call, onRetry } = options;
  const { signal } = call;
  const head = await retry(policy, () => request(url, {}, signal), {
    ...call,
    ...(onRetry !== undefined && { onRetry }),
  });
  try {
    const { contentType, validator } = factsOf(head, url, maxBytes);
    const open = async (from: number): Promise<AsyncIterable<Buffer>> => {
      if (!head.destroyed && from === 0) return bodyOf(head, url, signal);
      const answer = await request(url, rangeFrom(from, validator, url), signal);
      return from === 0 ? bodyOf(answer, url, signal) : goOn(answer, from, validator, url, signal);
    };
    const bytes = limited(resumedStream(open, options), maxBytes, url);
    return { contentType, bytes, close: () => head.destroy() };
  } catch (error) {
    head.destroy();
    throw error;
  }
}

function rangeFrom(from: number, validator: string | undefined, url: string): Record<string, string> {
  if (from === 0) return {};
  if (validator !== undefined) return { Range: `bytes=${from}-`, "If-Range": validator };
  throw new ReelsyncError(
    "URL_REFUSED",
    `${shown(url)} broke off after ${from} bytes, and says nothing (ETag, Last-Modified) by which the rest could be told to be of the same file`,
  );
}

function factsOf(head: IncomingMessage, url: string, maxBytes: number) {
  const encoding = head.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") {
    throw new ReelsyncError("URL_REFUSED", `${shown(url)} is sent as ${encoding}, which was not asked for`);
  }
  if (Number(head.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(url, maxBytes);
  const bare = head.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  return {
    contentType: bare === undefined || bare === "" || SAYS_NOTHING.has(bare) ? undefined : bare,
    validator: validatorOf(head),
  };
}

/** A weak ETag promises the same meaning, not the same bytes. */
function validatorOf({ headers: { etag, "last-modified": lastModified } }: IncomingMessage) {
  return etag === undefined || etag.startsWith("W/") ? lastModified : etag;
}

/** A provider that does not send ranges sends all of it again; what is known already is passed over. */
async function goOn(
  answer: IncomingMessage,
  from: number,
  validator: string | undefined,
  url: string,
  signal: AbortSignal,
): Promise<AsyncIterable<Buffer>> {
  const starts = /^bytes (\d+)-/.exec(answer.headers["content-range"] ?? "")?.[1];
  const isRest = answer.statusCode === 206 && Number(starts) === from;
  const isWhole = answer.statusCode === 200 && validatorOf(answer) === validator;
  if (isRest) return bodyOf(answer, url, signal);
  if (isWhole) return restOf(bodyOf(answer, url, signal), from);
  answer.destroy();
  throw new ReelsyncError("URL_REFUSED", `${shown(url)} is another file than when its download began`);
}

async function* bodyOf(answer: IncomingMessage, url: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of answer) yield chunk as Buffer;
  } catch (error) {
    throw toProviderError(error, url, signal);
  }
}

async function* limited(
  bytes: AsyncIterable<Buffer>,
  maxBytes: number,
  url: string,
): AsyncGenerator<Buffer, void, undefined> {
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(url, maxBytes);
    yield chunk;
  }
}

function tooLarge(url: string, maxBytes: number): ReelsyncError {
  return new ReelsyncError("FILE_TOO_LARGE", `${shown(url)} has more than the ${maxBytes} bytes allowed`, {
    hint: "Raise maxBytes of this call (--max-bytes on the command line), or take a smaller file.",
  });
}
