import type { Json } from "../values/json.ts";
import { reviveTrustedJson } from "../values/convex-json.ts";
import { sizeOf } from "../values/size.ts";
import type { Document, StoredDocument } from "./database.ts";

/** Most documents go from the store to a function as text; one is decoded when somebody looks into it. */
export class DocumentText implements StoredDocument {
  #document: Document | undefined;
  #size: number | undefined;

  constructor(
    readonly text: string,
    document?: Document,
  ) {
    this.#document = document;
  }

  get document(): Document {
    return (this.#document ??= parseDocument(this.text));
  }

  /** What it counts for in limits. */
  get size(): number {
    // Nearly every document is measured and few are looked into: the decoded form is not kept for this.
    return (this.#size ??= sizeOf(this.#document ?? parseDocument(this.text)));
  }
}

/** Text without a tag already is the value, as JSON. */
export function parseDocument(text: string): Document {
  const json = JSON.parse(text) as Json;
  return (text.includes('"$') ? reviveTrustedJson(json) : json) as Document;
}
