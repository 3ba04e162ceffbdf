/**
 * The door to the folder of `STORAGE_TYPE=LOCAL`: what a bucket's endpoint is for presigned URLs. It answers GET, HEAD and PUT
 * of URLs that carry a valid, unexpired signature for exactly that, and nothing else; it lists nothing and knows no tenants.
 * Ranges, ETags and CORS are there for players.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { MINUTE, SECOND } from "../../../contract/limits.ts";
import { parseGrant, type LocalGrant } from "../../../contract/local-storage.ts";
import { codedError } from "../errors.ts";
import { byteRange } from "./byte-range.ts";
import { detailsOf } from "./local-facts.ts";
import type { LocalTree } from "./local-tree.ts";
import { isSignedBy } from "./local-urls.ts";
import type { StorageBackend, StoredFileDetails } from "./storage-backend.ts";

export interface LocalFilesServerOptions {
  tree: LocalTree;
  /** Takes what is put: with the quota, whole or not at all. */
  storage: StorageBackend;
  signingKey: string;
  host?: string;
  /** 0, the default, takes a free one. */
  port?: number;
}

export interface LocalFilesServer {
  /** What `STORAGE_LOCAL_BASE_URL` is to be. */
  url: string;
  port: number;
  close: () => Promise<void>;
}

/** A year. Keys carry the content's hash, so what is behind one never changes. */
const CACHE_SECONDS = 31_536_000;
/** A connection over which nothing moved for this long holds a file open for nobody. */
const IDLE_SOCKET_MS = 2 * MINUTE;

export async function startLocalFilesServer(options: LocalFilesServerOptions): Promise<LocalFilesServer> {
  const { host = "127.0.0.1", port = 0 } = options;
  await options.tree.assertUsable();
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      // The other side went away, or the disk failed in the middle of a body: there is no one left to tell in words.
      if (response.headersSent) response.destroy();
      else refuse(response, 500, codedError(error).code);
    });
  });
  // A film is watched for longer than any request may take; a player that stopped reading asks again where it was.
  server.requestTimeout = 0;
  server.timeout = IDLE_SOCKET_MS;
  await listen(server, host, port);
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${actual}`,
    port: actual,
    async close() {
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  options: LocalFilesServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader("Access-Control-Allow-Origin", "*");
  response.setHeader("Access-Control-Expose-Headers", "Content-Range, Content-Length, ETag, Accept-Ranges");
  response.setHeader("X-Content-Type-Options", "nosniff");
  if (request.method === "OPTIONS") {
    preflight(response);
    return;
  }
  const grant = grantOf(request, options.signingKey);
  if (grant === undefined) {
    refuse(response, 403, "FORBIDDEN");
    return;
  }
  return grant.method === "PUT"
    ? take(options.storage, grant, request, response)
    : give(options.tree, grant, request, response);
}

/** What the request is allowed to do; undefined when that is not what it tries to do. */
function grantOf({ method, url = "/" }: IncomingMessage, signingKey: string): LocalGrant | undefined {
  const at = url.indexOf("?");
  if (at === -1) return undefined;
  const parsed = parseGrant(url.slice(0, at), new URLSearchParams(url.slice(at + 1)));
  if (parsed === null) return undefined;
  const { grant, signature } = parsed;
  if (!isSignedBy(signingKey, grant, signature)) return undefined;
  if (Date.now() >= grant.expires * SECOND) return undefined;
  return method === grant.method || (method === "HEAD" && grant.method === "GET") ? grant : undefined;
}

function preflight(response: ServerResponse): void {
  response.writeHead(204, {
    "Access-Control-Allow-Methods": "GET, HEAD, PUT",
    "Access-Control-Allow-Headers": "Range, Content-Type, If-None-Match, If-Range",
    "Access-Control-Max-Age": "86400",
  });
  response.end();
}

async function give(
  tree: LocalTree,
  grant: LocalGrant,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const opened = await tree.openFile(grant.key);
  if (opened === undefined) {
    refuse(response, 404, "NOT_FOUND");
    return;
  }
  const { handle } = opened;
  try {
    const details = await detailsOf(tree, grant.key, opened.found);
    setFileHeaders(response, details, grant);
    const etag = `"${details.etag}"`;
    if (request.headers["if-none-match"] === etag) return void response.writeHead(304).end();
    const ifRange = request.headers["if-range"];
    const wanted = ifRange === undefined || ifRange === etag ? request.headers.range : undefined;
    const range = byteRange(wanted, details.size);
    if (range === "unsatisfiable") {
      response.setHeader("Content-Range", `bytes */${details.size}`);
      refuse(response, 416, "INVALID_ARGUMENT");
      return;
    }
    const { start, end } = range ?? { start: 0, end: details.size };
    response.setHeader("Content-Length", end - start);
    if (range !== undefined) {
      response.setHeader("Content-Range", `bytes ${start}-${end - 1}/${details.size}`);
    }
    response.writeHead(range === undefined ? 200 : 206);
    if (request.method === "HEAD" || end === start) return void response.end();
    await pipeline(handle.createReadStream({ start, end: end - 1, autoClose: false }), response);
  } finally {
    await handle.close();
  }
}

function setFileHeaders(
  response: ServerResponse,
  details: StoredFileDetails,
  { download }: LocalGrant,
): void {
  response.setHeader("Content-Type", details.contentType);
  response.setHeader("ETag", `"${details.etag}"`);
  response.setHeader("Last-Modified", new Date(details.lastModified).toUTCString());
  response.setHeader("Accept-Ranges", "bytes");
  response.setHeader("Cache-Control", `private, max-age=${CACHE_SECONDS}, immutable`);
  // Whatever somebody may have uploaded, it is not to run as a page of this origin.
  response.setHeader("Content-Security-Policy", "sandbox; default-src 'none'; media-src 'self'");
  if (download !== undefined) response.setHeader("Content-Disposition", attachment(download));
}

async function take(
  storage: StorageBackend,
  grant: LocalGrant,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const contentType = request.headers["content-type"];
  if (grant.contentType !== undefined && contentType !== grant.contentType) {
    refuse(response, 403, "FORBIDDEN");
    return;
  }
  try {
    const saved = await storage.save(grant.key, request, contentType === undefined ? {} : { contentType });
    response.setHeader("ETag", `"${saved.etag}"`);
    response.writeHead(200).end();
  } catch (error) {
    const { code, retryable } = codedError(error);
    refuse(response, code === "STORAGE_QUOTA_EXCEEDED" ? 507 : retryable ? 503 : 400, code);
  }
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.setHeader("Cache-Control", "no-store");
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ code }));
}

/** RFC 6266: a plain ASCII name for old clients, the full one beside it. */
function attachment(fileName: string): string {
  const ascii = fileName.replace(/[^\x20-\x7e]|["\\]/g, "_");
  const full = encodeURIComponent(fileName).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${full}`;
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
