/**
 * What a file does not say of itself: its SHA-256 and content type. Written before the bytes appear, and believed only of a
 * file of this very size and modification time; so a crash in between, or a file that somebody put there, costs a fact and
 * never tells a wrong one.
 */
import { createHash, randomUUID } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import mime from "mime";
import * as z from "zod";
import { sha256Schema } from "../../../contract/asset.ts";
import { syncFolder, writeWhole } from "../journal/durable-file.ts";
import type { StoredFile, StoredFileDetails } from "./storage-backend.ts";
import type { LocalTree } from "./local-tree.ts";

const factsSchema = z.object({
  key: z.string(),
  etag: z.string(),
  sha256: sha256Schema,
  contentType: z.string(),
});

export interface Facts {
  sha256: string;
  contentType: string;
}

type Tree = Pick<LocalTree, "ownPath">;

export async function noteFacts(tree: Tree, key: string, bytes: BigIntStats, facts: Facts): Promise<void> {
  const path = pathOf(tree, key);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // Under a name of its own first: several processes may be at the same key.
  const draft = tree.ownPath("drafts", `${process.pid}-${randomUUID()}`);
  await writeWhole(draft, JSON.stringify({ key, etag: etagOf(bytes), ...facts }), { synced: true });
  await rename(draft, path);
  await syncFolder(dirname(path));
}

export async function detailsOf(tree: Tree, key: string, bytes: BigIntStats): Promise<StoredFileDetails> {
  const file = fileOf(key, bytes);
  const noted = await readFacts(tree, key);
  if (noted?.key !== key || noted.etag !== file.etag) {
    return { ...file, contentType: mime.getType(key) ?? "application/octet-stream" };
  }
  return { ...file, contentType: noted.contentType, sha256: noted.sha256 };
}

export async function forgetFacts(tree: Tree, key: string): Promise<void> {
  await rm(pathOf(tree, key), { force: true });
}

export function fileOf(key: string, bytes: BigIntStats): StoredFile {
  return { key, size: Number(bytes.size), lastModified: Number(bytes.mtimeMs), etag: etagOf(bytes) };
}

/** Files are only ever replaced as a whole, so this names the bytes. */
function etagOf({ size, mtimeNs }: BigIntStats): string {
  return `${mtimeNs.toString(16)}-${size.toString(16)}`;
}

async function readFacts(tree: Tree, key: string) {
  try {
    return factsSchema.parse(JSON.parse(await readFile(pathOf(tree, key), "utf8")));
  } catch {
    return undefined;
  }
}

/** Not the key itself: beside each other, the facts of `a` and of `a.json/b` would need one name. */
function pathOf(tree: Tree, key: string): string {
  const name = createHash("sha256").update(key).digest("hex");
  return tree.ownPath("facts", name.slice(0, 2), name);
}
