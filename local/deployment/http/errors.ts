import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { RequestError } from "../engine.ts";

/** Every refusal outside a function is `{code, message}` with the status that belongs to it. */
export function onError(error: Error, c: Context): Response {
  if (error instanceof RequestError) {
    return c.json({ code: error.code, message: error.message }, error.status);
  }
  if (error instanceof HTTPException) return error.getResponse();
  return c.json({ code: "InternalServerError", message: error.message }, 500);
}
