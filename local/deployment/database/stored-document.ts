import type { Json } from "../values/json.ts";
import { reviveTrustedJson } from "../values/convex-json.ts";
import type { Document } from "./database.ts";

/** Text without a tag already is the value, as JSON. */
export function parseDocument(text: string): Document {
  const json = JSON.parse(text) as Json;
  return (text.includes('"$') ? reviveTrustedJson(json) : json) as Document;
}
