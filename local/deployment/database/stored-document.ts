import type { Json } from "../values/json.ts";
import { jsonToValue } from "../values/convex-json.ts";
import type { Document } from "./database.ts";

/** Stored text was checked when it was written, and without a tag its JSON already is the value. */
export function parseDocument(text: string): Document {
  const json = JSON.parse(text) as Json;
  return (text.includes('"$') ? jsonToValue(json) : json) as Document;
}
