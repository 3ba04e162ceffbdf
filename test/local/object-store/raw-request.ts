/**
 * Hand-signed requests, for what the SDK will not send. The signer is written anew from the specification rather than
 * borrowed from the server, so that the two can disagree.
 */
import { createHash, createHmac } from "node:crypto";
import http from "node:http";
import net from "node:net";
import { text } from "node:stream/consumers";
import { CREDENTIALS } from "./fixture.ts";

export interface RawRequest {
  method?: string;
  /** As it goes over the wire, query excluded. */
  path: string;
  /** Pairs as they go over the wire. */
  query?: string;
  headers?: Record<string, string>;
  body?: Buffer | string;
  /** Value of x-amz-content-sha256; the hash of the body by default. */
  payloadHash?: string;
  date?: Date;
  accessKeyId?: string;
  secretAccessKey?: string;
  /** Headers to send without signing them. */
  unsignedHeaders?: Record<string, string>;
}

export interface RawResponse {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
  /** From the error document. */
  code: string | undefined;
}

export const sha256 = (data: Buffer | string): string => createHash("sha256").update(data).digest("hex");
const hmac = (key: Buffer | string, data: string): Buffer => createHmac("sha256", key).update(data).digest();
export const amzDate = (date: Date): string => `${date.toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;

export interface Signed {
  headers: Record<string, string>;
  signature: string;
  signingKey: Buffer;
  scope: string;
  timestamp: string;
}

export function signingKeyOf(secret: string, day: string, region = "us-east-1"): Buffer {
  return hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), "s3"), "aws4_request");
}

/** By name, then by value; a name alone counts as one with an empty value. */
const sortedQuery = (query: string): string =>
  query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair): [name: string, value: string] => {
      const [name = "", value = ""] = pair.split("=");
      return [name, value];
    })
    .sort(([a, aValue], [b, bValue]) => (a === b ? (aValue < bValue ? -1 : 1) : a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");

export function signRequest(endpoint: string, request: RawRequest): Signed {
  const { method = "GET", path, query = "", body = "", date = new Date() } = request;
  const { accessKeyId = CREDENTIALS.accessKeyId, secretAccessKey = CREDENTIALS.secretAccessKey } = request;
  const timestamp = amzDate(date);
  const day = timestamp.slice(0, 8);
  const payloadHash = request.payloadHash ?? sha256(body);
  const headers: Record<string, string> = {
    host: new URL(endpoint).host,
    "x-amz-date": timestamp,
    "x-amz-content-sha256": payloadHash,
    ...request.headers,
  };
  const names = Object.keys(headers)
    .map((name) => name.toLowerCase())
    .sort();
  const lowered = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const canonical = [
    method,
    path,
    sortedQuery(query),
    ...names.map((name) => `${name}:${lowered[name]!.trim().replace(/ +/g, " ")}`),
    "",
    names.join(";"),
    payloadHash,
  ].join("\n");
  const scope = `${day}/us-east-1/s3/aws4_request`;
  const signingKey = signingKeyOf(secretAccessKey, day);
  const signature = hmac(
    signingKey,
    `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${sha256(canonical)}`,
  ).toString("hex");
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return { headers: { ...headers, authorization }, signature, signingKey, scope, timestamp };
}

/** Sends exactly these headers and this body. */
export function send(
  endpoint: string,
  request: { method?: string; target: string; headers?: Record<string, string>; body?: Buffer | string },
): Promise<RawResponse> {
  const { hostname, port } = new URL(endpoint);
  const { method = "GET", target, headers = {}, body = "" } = request;
  return new Promise((resolve, reject) => {
    const outgoing = http.request({ hostname, port, method, path: target, headers, agent: false });
    outgoing.on("error", reject);
    outgoing.on("response", (response) => {
      text(response).then((content) => {
        const code = /<Code>(.*?)<\/Code>/.exec(content)?.[1];
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: content, code });
      }, reject);
    });
    outgoing.end(body);
  });
}

export const targetOf = ({ path, query }: { path: string; query?: string }): string =>
  query === undefined || query === "" ? path : `${path}?${query}`;

/** Signs and sends. */
export function request(endpoint: string, raw: RawRequest): Promise<RawResponse> {
  const headers = { ...signRequest(endpoint, raw).headers, ...raw.unsignedHeaders };
  const { method = "GET", body = "" } = raw;
  if (body.length > 0 && !("content-length" in headers) && !("transfer-encoding" in headers)) {
    headers["content-length"] = String(Buffer.byteLength(body));
  }
  return send(endpoint, { method, target: targetOf(raw), headers, body });
}

/** Writes bytes to a fresh connection and collects what comes back until it closes. */
export function converse(endpoint: string, write: (socket: net.Socket) => void): Promise<string> {
  const { hostname, port } = new URL(endpoint);
  return new Promise((resolve, reject) => {
    const received: Buffer[] = [];
    const socket = net.connect(Number(port), hostname, () => write(socket));
    socket.on("data", (data) => received.push(data));
    socket.on("error", reject);
    socket.on("close", () => resolve(Buffer.concat(received).toString("latin1")));
  });
}

export const headText = (method: string, target: string, headers: Record<string, string>): string =>
  `${method} ${target} HTTP/1.1\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}\r\n`;
