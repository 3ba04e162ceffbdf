/** What a request says as JSON. */
import * as z from "zod";
import { MIB } from "../../../contract/limits.ts";
import { ReelsyncError } from "../errors.ts";
import { parsed } from "./sidecar.ts";

/** A batch of thousands; bytes of files do not come as JSON. */
const MAX_JSON_BYTES = 16 * MIB;

/**
 * No body is the same as an empty object. Read here and not by hono's `bodyLimit`: that makes a second Request of one
 * whose length is not told, which only works where the server has replaced the program's globals.
 */
export async function readParams(request: Request): Promise<Record<string, unknown>> {
  const text = await readText(request);
  return parsed(z.record(z.string(), z.unknown()), text.trim() === "" ? {} : fromJson(text, "The body"));
}

export function fromJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new ReelsyncError("INVALID_ARGUMENT", `${what} is not JSON`, { cause: error });
  }
}

async function readText({ headers, body }: Request): Promise<string> {
  if (Number(headers.get("content-length") ?? 0) > MAX_JSON_BYTES) throw tooLong();
  if (body === null) return "";
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_JSON_BYTES) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function tooLong(): ReelsyncError {
  return new ReelsyncError("INVALID_ARGUMENT", `The request's body has more than ${MAX_JSON_BYTES} bytes`);
}
