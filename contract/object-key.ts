/**
 * The only place that knows what an object key looks like:
 *
 *   {base}/t/{tenant}/{perm|temp}/{project}/{session}/{scene | _session}/{asset-type}/{16 hex digits}-{readable name}
 *
 * The digits are the first of the content's SHA-256, or of the upload's id where the content is hashed while it is sent.
 * Either way what is behind a key never changes: no two contents share a hash, and no two uploads an id.
 * Ids come first, so every prefix that matters (tenant, project, session, scene) is a folder and ends in "/". The
 * readable name comes last and is for people: nothing parses it. No zod here: the web bundle reads this file.
 */
import type { AssetType } from "./asset.ts";
import { MAX_KEY_BYTES } from "./limits.ts";

export type ObjectKeyParts = ObjectPlace & ({ sha256: string } | { uploadId: string });

interface ObjectPlace {
  /** `S3_BASE_PREFIX`, may be empty. */
  base: string;
  tenant: string;
  lifetime: "perm" | "temp";
  project: string;
  session: string;
  /** Absent for assets of the session itself. */
  scene?: string;
  assetType: AssetType;
  fileName: string;
}

const SESSION_SEGMENT = "_session";
const MAX_READABLE_BYTES = 120;
const DIGITS = 16;

export function formatObjectKey(parts: ObjectKeyParts): string {
  const digits = `${digitsOf(parts)}-`;
  const name = readableName(parts.fileName);
  // A file that comes from a bucket of ours, by its URL, may have them in its name already.
  const named = name.startsWith(digits) ? name : digits + name;
  const key = `${scenePrefix(parts)}${parts.assetType.replaceAll("_", "-")}/${named}`;
  const bytes = new TextEncoder().encode(key).length;
  if (bytes > MAX_KEY_BYTES) {
    throw new RangeError(
      `the object key has ${bytes} bytes, S3 allows ${MAX_KEY_BYTES}: shorten S3_BASE_PREFIX`,
    );
  }
  return key;
}

/** Whether the key stands for this content, and not for the upload that brought it. */
export function namesContent(key: string, sha256: string): boolean {
  return key.slice(key.lastIndexOf("/") + 1).startsWith(`${digitsOf({ sha256 })}-`);
}

function digitsOf(content: { sha256: string } | { uploadId: string }): string {
  const digits = "sha256" in content ? content.sha256 : content.uploadId.replaceAll("-", "").toLowerCase();
  return digits.slice(0, DIGITS);
}

/** Everything below is this tenant's and nobody else's. Ends in "/", so `t/acme` never swallows `t/acme2`. */
export function tenantPrefix(base: string, tenant: string): string {
  return `${basePrefix(base)}t/${segment(tenant)}/`;
}

export function sessionPrefix(
  parts: Pick<ObjectPlace, "base" | "tenant" | "lifetime" | "project" | "session">,
): string {
  return `${tenantPrefix(parts.base, parts.tenant)}${parts.lifetime}/${segment(parts.project)}/${segment(parts.session)}/`;
}

function scenePrefix(parts: ObjectPlace): string {
  return `${sessionPrefix(parts)}${parts.scene === undefined ? SESSION_SEGMENT : segment(parts.scene)}/`;
}

/** `videos/2026/` → `videos/2026/`, `` → ``. A base is the operator's own, but still may not climb. */
function basePrefix(base: string): string {
  const segments = base.split("/").filter((part) => part !== "");
  return segments.map((part) => `${segment(part)}/`).join("");
}

/** Ids are put in as they are; anything that could climb, split or escape is a programming error, not a name to clean. */
function segment(id: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(id) || id.includes("..")) {
    throw new RangeError(
      `"${id}" cannot be a part of an object key: use letters, digits, "-", "_" and single dots`,
    );
  }
  return id;
}

/**
 * A file's name as a person would still recognise it: the last path segment, lower-cased and kebab-cased, letters and digits of any script
 * kept, everything else folded into "-". Never empty, never longer than 120 bytes, never contains "/", "%" or "..".
 */
export function readableName(fileName: string): string {
  const lastSegment = fileName.normalize("NFC").split(/[/\\]/).pop() ?? "";
  const dot = lastSegment.lastIndexOf(".");
  const stem = kebab(dot > 0 ? lastSegment.slice(0, dot) : lastSegment) || "file";
  const extension = dot > 0 ? kebab(lastSegment.slice(dot + 1)).slice(0, 12) : "";
  return (
    cutToBytes(stem, MAX_READABLE_BYTES - extension.length * 4 - 1) +
    (extension === "" ? "" : `.${extension}`)
  );
}

/** Lower case, letters and digits of any script, everything else folded into "-". */
export function kebab(text: string): string {
  return text
    .replace(/(\p{Ll}|\p{N})(\p{Lu})/gu, "$1-$2")
    .toLowerCase()
    .normalize("NFC")
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "");
}

/** Cuts at a character, never inside one. */
function cutToBytes(text: string, maxBytes: number): string {
  const encoder = new TextEncoder();
  let bytes = 0;
  let kept = "";
  for (const character of text) {
    bytes += encoder.encode(character).length;
    if (bytes > maxBytes) break;
    kept += character;
  }
  return kept.replace(/-+$/, "");
}
