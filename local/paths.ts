/**
 * The data directory of the local stack. Everything the stack keeps is below it; removing it starts afresh.
 *
 *   {dataDir}/
 *     stack.lock          the process that has the directory open
 *     credentials.json    admin key and S3 keys, made once (readable by the owner only)
 *     ports.json          the ports of the last start, taken again when they are free
 *     deployment/         the Convex-compatible deployment's
 *     object-store/       the S3-compatible object store's
 *     issuer/             the development issuer's
 */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import * as z from "zod";
import { LocalStackError } from "./errors.ts";

export interface StackPaths {
  lock: string;
  credentials: string;
  ports: string;
  deployment: string;
  objectStore: string;
  issuer: string;
}

export async function openDataDir(dataDir: string): Promise<StackPaths> {
  await mkdir(dataDir, { recursive: true });
  return {
    lock: path.join(dataDir, "stack.lock"),
    credentials: path.join(dataDir, "credentials.json"),
    ports: path.join(dataDir, "ports.json"),
    deployment: path.join(dataDir, "deployment"),
    objectStore: path.join(dataDir, "object-store"),
    issuer: path.join(dataDir, "issuer"),
  };
}

/** A file the stack wrote; undefined when there is none. */
export async function readState<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new LocalStackError("DATA_DIR_DAMAGED", `${file} is not what the stack wrote there; remove it.`, {
      cause,
    });
  }
}

/** Whole or not at all, also when the process dies meanwhile. */
export async function writeState(file: string, state: unknown): Promise<void> {
  const unfinished = `${file}.${process.pid}`;
  await writeFile(unfinished, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  await rename(unfinished, file);
}
