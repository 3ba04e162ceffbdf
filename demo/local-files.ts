/** The folder of `STORAGE_TYPE=LOCAL` on the local stack, with the SDK's door in front of it. */
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { serveLocalFiles, type LocalFilesServer } from "reelsync";

export interface LocalFiles {
  /** For agents and for the deployment; an agent uses them once its STORAGE_TYPE is LOCAL. */
  env: { STORAGE_LOCAL_BASE_URL: string; STORAGE_LOCAL_SIGNING_KEY: string };
  dir: string;
  close: LocalFilesServer["close"];
}

export async function openLocalFiles(dataDir: string): Promise<LocalFiles> {
  const dir = join(dataDir, "storage");
  const signingKey = await keptKey(join(dataDir, "storage-signing-key"));
  const server = await serveLocalFiles({ dir, signingKey });
  return {
    env: { STORAGE_LOCAL_BASE_URL: server.url, STORAGE_LOCAL_SIGNING_KEY: signingKey },
    dir,
    close: server.close,
  };
}

async function keptKey(file: string): Promise<string> {
  const stored = await readFile(file, "utf8").catch(() => undefined);
  if (stored !== undefined) return stored;
  const key = randomBytes(32).toString("hex");
  await writeFile(file, key, { mode: 0o600 });
  return key;
}
