/**
 * The only place that knows what an object key looks like:
 *
 *   {base}/t/{tenant}/{perm|temp}/{project}/{session}/{scene | _session}/{asset-type}/{sha256, first 16}-{readable name}
 *
 * Ids come first, so every prefix that matters (tenant, project, session, scene) is a folder and ends in "/". The
 * readable name comes last and is for people: nothing parses it. No zod here: the web bundle reads this file.
 */
import type { AssetType } from "./asset.ts";
import { MAX_KEY_BYTES } from "./limits.ts";

export interface ObjectKeyParts {
  /** `S3_BASE_PREFIX`, may be empty. */
  base: string;
  tenant: string;
  lifetime: "perm" | "temp";
  project: string;
  session: string;
  /** Absent for assets of the session itself. */
  scene?: string;
  assetType: AssetType;
  sha256: string;
  fileName: string;
}

const SESSION_SEGMENT = "_session";
const MAX_READABLE_BYTES = 120;

export function formatObjectKey(parts: ObjectKeyParts): string {
  const hash = `${parts.sha256.slice(0, 16)}-`;
  const name = readableName(parts.fileName);
  // A file that comes from a bucket of ours, by its URL, may have the hash in its name already.
  const named = name.startsWith(hash) ? name : hash + name;
  const key = `${scenePrefix(parts)}${parts.assetType.replaceAll("_", "-")}/${named}`;
  const bytes = new TextEncoder().encode(key).length;
  if (bytes > MAX_KEY_BYTES) {
    throw new RangeError(
      `the object key has ${bytes} bytes, S3 allows ${MAX_KEY_BYTES}: shorten S3_BASE_PREFIX`,
    );
  }
  return key;
}

/** Everything below is this tenant's and nobody else's. Ends in "/", so `t/acme` never swallows `t/acme2`. */
export function tenantPrefix(base: string, tenant: string): string {
  return `${basePrefix(base)}t/${segment(tenant)}/`;
}

export function sessionPrefix(
  parts: Pick<ObjectKeyParts, "base" | "tenant" | "lifetime" | "project" | "session">,
): string {
  return `${tenantPrefix(parts.base, parts.tenant)}${parts.lifetime}/${segment(parts.project)}/${segment(parts.session)}/`;
}

function scenePrefix(parts: ObjectKeyParts): string {
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
