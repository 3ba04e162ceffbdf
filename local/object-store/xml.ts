/**
 * XML in and out. Reading decodes entities here rather than in the parser: the parser drops references to control
 * characters, which would turn a request about the key "a\x01b" into one about "ab".
 */
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { S3Error } from "./errors.ts";

const CDATA = "#cdata";
const TEXT = "#text";

const parser = new XMLParser({
  ignoreAttributes: true,
  removeNSPrefix: true,
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  cdataPropName: CDATA,
});

const NAMED_ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#([0-9]+)|#x([0-9a-fA-F]+)|([A-Za-z]+));|&/g, (whole, decimal, hex, name) => {
    if (typeof name === "string") {
      const character = NAMED_ENTITIES[name];
      if (character !== undefined) return character;
    } else {
      const code =
        typeof decimal === "string" ? Number.parseInt(decimal, 10) : Number.parseInt(String(hex), 16);
      if (code <= 0x10ffff) return String.fromCodePoint(code);
    }
    throw new S3Error("MalformedXML", { message: `The XML holds the unknown entity ${whole}.` });
  });
}

/** One element of a parsed document: asked for by child name, so order, namespaces and whitespace do not matter. */
export class XmlElement {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  /** Every child of that name, in document order. */
  all(name: string): XmlElement[] {
    if (typeof this.#value !== "object" || this.#value === null || !Object.hasOwn(this.#value, name))
      return [];
    const found = (this.#value as Record<string, unknown>)[name];
    return (Array.isArray(found) ? found : [found]).map((value) => new XmlElement(value));
  }

  child(name: string): XmlElement | undefined {
    return this.all(name)[0];
  }

  text(): string {
    if (typeof this.#value === "string") return decodeEntities(this.#value);
    const ownText = this.child(TEXT)?.text() ?? "";
    const verbatim = this.all(CDATA).map((section) => section.#value);
    return verbatim.length === 0 ? ownText : ownText + verbatim.join("");
  }

  childText(name: string): string | undefined {
    return this.child(name)?.text();
  }

  childNames(): string[] {
    if (typeof this.#value !== "object" || this.#value === null) return [];
    return Object.keys(this.#value).filter((name) => name !== TEXT && name !== CDATA);
  }
}

/** Parses a request body whose root must be `rootName`. */
export function parseXml(body: Buffer, rootName: string): XmlElement {
  const text = body.toString("utf8");
  // Its successor is a package of its own, which one call does not earn.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  if (text.includes("<!DOCTYPE") || XMLValidator.validate(text) !== true) throw new S3Error("MalformedXML");
  const root = new XmlElement(parser.parse(text)).child(rootName);
  if (root === undefined) {
    throw new S3Error("MalformedXML", { message: `The XML you provided has no <${rootName}> root element.` });
  }
  return root;
}

// XML 1.0 has no way to write most control characters; S3 and its clients use numeric references all the same.
const NEEDS_ESCAPE = /[&<>"\u0000-\u0008\u000a-\u001f\u007f\ufffe\uffff]/g;

export function escapeXml(text: string): string {
  return text.replace(NEEDS_ESCAPE, (character) => {
    switch (character) {
      case "&":
        return "&amp;";
      case "<":
        return "&lt;";
      case ">":
        return "&gt;";
      case '"':
        return "&quot;";
      default:
        return `&#x${character.charCodeAt(0).toString(16)};`;
    }
  });
}

/** `<name>text</name>`, or nothing when there is no value. */
export function element(name: string, value: string | number | boolean | undefined): string {
  return value === undefined ? "" : `<${name}>${escapeXml(String(value))}</${name}>`;
}

export function xmlDocument(rootName: string, content: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${rootName} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${content}</${rootName}>`;
}
