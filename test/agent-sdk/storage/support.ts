/** Storages of clients without a deployment: a folder with the door that serves it, or a bucket. */
import { onTestFinished } from "vitest";
import { createReelsync, type LocalStorageOptions, type ReelsyncOptions, type S3Options } from "reelsync";
import { startLocalFilesServer } from "../../../agent-sdk/src/storage/local-files-server.ts";
import { createLocalTree } from "../../../agent-sdk/src/storage/local-tree.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { BUCKET, CREDENTIALS } from "../support/bucket.ts";

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

export async function openS3(
  endpoint: string,
  s3: S3Options = {},
  options: Pick<ReelsyncOptions, "retry"> = {},
) {
  const folder = await tempDir();
  const reelsync = createReelsync({
    env: {},
    convexUrl: "http://127.0.0.1:1",
    agentToken: async () => "",
    journalDir: `${folder}/journal`,
    deadLetterDir: `${folder}/letters`,
    s3: { endpoint, bucket: BUCKET, ...CREDENTIALS, ...s3 },
    ...options,
  });
  onTestFinished(() => reelsync.close());
  return reelsync.storage;
}
