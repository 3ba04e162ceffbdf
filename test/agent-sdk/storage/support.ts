/** A client that keeps its files in a folder, with the door that serves them. */
import { onTestFinished } from "vitest";
import { createReelsync, type LocalStorageOptions } from "reelsync";
import { startLocalFilesServer } from "../../../agent-sdk/src/storage/local-files-server.ts";
import { createLocalTree } from "../../../agent-sdk/src/storage/local-tree.ts";
import { tempDir } from "../../support/temp-dir.ts";

export const SIGNING_KEY = "a signing key for tests";

export async function openLocal(local: LocalStorageOptions = {}) {
  const dir = local.dir ?? (await tempDir());
  const folder = await tempDir();
  const open = (baseUrl?: string) => {
    const reelsync = createReelsync({
      env: {},
      convexUrl: "http://127.0.0.1:1",
      agentToken: async () => "",
      storageType: "LOCAL",
      journalDir: `${folder}/journal`,
      deadLetterDir: `${folder}/letters`,
      local: { dir, signingKey: SIGNING_KEY, ...(baseUrl !== undefined && { baseUrl }), ...local },
    });
    onTestFinished(() => reelsync.close());
    return reelsync.storage;
  };
  if (local.dir !== undefined) return { storage: open(), dir, url: "" };
  const server = await startLocalFilesServer({
    tree: createLocalTree(dir),
    storage: open(),
    signingKey: SIGNING_KEY,
  });
  onTestFinished(() => server.close());
  return { storage: open(server.url), dir, url: server.url };
}
