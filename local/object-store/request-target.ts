/**
 * What a request is about, read from its raw target: Node's `URL` would resolve `.` and `..`, which are ordinary key
 * characters in S3 and part of what the client signed.
 */
import { S3Error } from "./errors.ts";

export interface RequestTarget {
  /** As sent, percent-encoding included. */
  rawPath: string;
  rawQuery: string;
  /** Absent for the service itself. */
  bucket: string | undefined;
  /** Absent for a bucket. */
  key: string | undefined;
  query: ReadonlyMap<string, string>;
}

/** Browsers and most resolvers take `bucket.localhost` for this machine, so virtual-hosted requests may arrive. */
const VIRTUAL_HOST = /^(.+)\.localhost(?::\d+)?$/i;

export function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new S3Error("InvalidURI", {
      message: `The URI holds invalid percent-encoded UTF-8: ${text}`,
      cause,
    });
  }
}

/** `+` is a space in a query string, and only there. */
export const decodeQueryText = (text: string): string => percentDecode(text.replaceAll("+", " "));

export function parseQuery(rawQuery: string): [name: string, value: string][] {
  if (rawQuery === "") return [];
  return rawQuery
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const equals = pair.indexOf("=");
      if (equals === -1) return [decodeQueryText(pair), ""];
      return [decodeQueryText(pair.slice(0, equals)), decodeQueryText(pair.slice(equals + 1))];
    });
}

export function parseRequestTarget(url: string, host: string | undefined): RequestTarget {
  // A proxy-style request line names the authority too.
  const target = url.replace(/^https?:\/\/[^/?]*/i, "");
  const question = target.indexOf("?");
  const rawPath = question === -1 ? target : target.slice(0, question);
  const rawQuery = question === -1 ? "" : target.slice(question + 1);
  if (!rawPath.startsWith("/")) throw new S3Error("InvalidURI");

  const virtualBucket = VIRTUAL_HOST.exec(host ?? "")?.[1];
  // Node hands raw bytes over as Latin-1; a client that sends unencoded UTF-8 means UTF-8.
  const path = percentDecode(Buffer.from(rawPath, "latin1").toString("utf8")).slice(1);
  const slash = path.indexOf("/");
  const [bucket, key] =
    virtualBucket !== undefined
      ? [virtualBucket, path]
      : slash === -1
        ? [path, ""]
        : [path.slice(0, slash), path.slice(slash + 1)];
  return {
    rawPath: rawPath === "" ? "/" : rawPath,
    rawQuery,
    bucket: bucket === "" ? undefined : bucket,
    key: bucket === "" || key === "" ? undefined : key,
    query: new Map(parseQuery(rawQuery)),
  };
}
