/** Request bodies: size limits, brotli (the CLI's pushes), JSON, and what a route expects of it. */
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";
import type { Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as z from "zod";
import { RequestError } from "../engine.ts";
import type { Json } from "../values/json.ts";

const MIB = 1024 * 1024;

/** Arguments may have 16 MiB; a batch holds several. */
export const FUNCTION_BODY_LIMIT = 64 * MIB;
export const HTTP_ACTION_BODY_LIMIT = 20 * MIB;
/** Sources and source maps of a whole app, before and after compression. */
export const PUSH_BODY_LIMIT = 200 * MIB;
const DECOMPRESSED_LIMIT = 512 * MIB;

export const json = z.custom<Json>((value) => value !== undefined);

export function limitBody(maxSize: number) {
  return bodyLimit({
    maxSize,
    onError: (c) =>
      c.json(
        { code: "RequestTooLarge", message: `The request body is larger than ${maxSize / MIB} MiB.` },
        413,
      ),
  });
}

export async function readJson(c: Context): Promise<Json> {
  const text = await readText(c);
  try {
    return (text === "" ? {} : JSON.parse(text)) as Json;
  } catch (cause) {
    throw badRequest("The request body must be JSON.", cause);
  }
}

export async function readBody<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  return parseRequest(await readJson(c), schema);
}

export function parseRequest<T>(value: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw badRequest(`The request is not understood: ${z.prettifyError(parsed.error)}`, parsed.error);
}

export function badRequest(message: string, cause: unknown): RequestError {
  const error = new RequestError(400, "BadRequest", message);
  error.cause = cause;
  return error;
}

async function readText(c: Context): Promise<string> {
  switch (c.req.header("content-encoding")) {
    case undefined:
    case "identity":
      return c.req.text();
    case "br": {
      const compressed = Buffer.from(await c.req.arrayBuffer());
      try {
        const plain = await promisify(brotliDecompress)(compressed, { maxOutputLength: DECOMPRESSED_LIMIT });
        return plain.toString("utf8");
      } catch (cause) {
        throw badRequest("The request body is not valid brotli, or too large once decompressed.", cause);
      }
    }
    default:
      throw badRequest("Send the request body uncompressed or with 'Content-Encoding: br'.", null);
  }
}
