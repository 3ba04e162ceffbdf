/** What the client does with whole folders, put together over its calls for single files. */
import type { Reelsync } from "../client.ts";
import { uploadDir, type UploadDirOptions, type UploadDirResult } from "./upload-dir.ts";

export interface Folders {
  /** A folder's tree under a prefix of the bucket, bytes only, without records. What is there already is not sent again. */
  uploadDir: (localRoot: string, prefix: string, options?: UploadDirOptions) => Promise<UploadDirResult>;
}

export interface FoldersParts {
  core: Omit<Reelsync, keyof Folders>;
  /** Runs what has to end before the client is closed. */
  open: <T>(work: () => Promise<T>) => Promise<T>;
}

export function createFolders({ core, open }: FoldersParts): Folders {
  return {
    uploadDir: (localRoot, prefix, options) =>
      open(() => uploadDir(core.storage, localRoot, prefix, options)),
  };
}
