/** What a rendered file is, told from its name alone. */
import { extname } from "node:path";
import mime from "mime";
import { acceptsContentType } from "../../../contract/asset.ts";

export type FileKind =
  "video" | "audio" | "image" | "subtitle" | "code" | "transcript" | "manifest" | "processed" | "other";

const CODE = new Set(
  "py js mjs cjs ts mts cts jsx tsx glsl frag vert wgsl tex ipynb rs go java kt c h cpp lua rb sh jl r".split(
    " ",
  ),
);
const SUBTITLES = new Set(["srt", "vtt"]);

export function kindOf(name: string): FileKind {
  const extension = extname(name).slice(1).toLowerCase();
  const stem = stemOf(name);
  if (SUBTITLES.has(extension)) return "subtitle";
  // A numbered .ts is a segment of a stream, any other is TypeScript.
  if (extension === "ts") return /\d$/.test(stem) ? "video" : "code";
  if (CODE.has(extension)) return "code";
  const type = mime.getType(name) ?? "";
  if (type.startsWith("video/")) return "video";
  if (type.startsWith("audio/")) return "audio";
  if (type.startsWith("image/")) return acceptsContentType("thumbnail", type) ? "image" : "other";
  if (name.toLowerCase() === "manifest.json") return "manifest";
  if (/transcript/i.test(stem) && acceptsContentType("transcript", type)) return "transcript";
  return "other";
}

/** For what is stored as `other`, which takes no type that a browser would run. */
export function plainContentType(name: string): string {
  const type = mime.getType(name) ?? "application/octet-stream";
  if (acceptsContentType("other", type)) return type;
  return /^text\/|\+xml$|xml$/.test(type) ? "text/plain" : "application/octet-stream";
}

export function stemOf(name: string): string {
  const extension = extname(name);
  return extension === "" ? name : name.slice(0, -extension.length);
}
