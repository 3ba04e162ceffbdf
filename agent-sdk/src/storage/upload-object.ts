/** Single objects without records, by the names their users look for: a key in, a URL out. */
import { ReelsyncError } from "../errors.ts";
import type { SavedFile, SaveOptions, StorageBackend } from "./storage-backend.ts";

export interface UploadedObject extends SavedFile {
  /** As the storage signs it: presigned, or public where there is a public base URL. */
  url: string;
}

export interface ObjectUploads {
  /** Bytes under a key, without a record. With one, it is `uploadWithConvexSync`. */
  uploadBytes: (bytes: Uint8Array, key: string, options?: SaveOptions) => Promise<UploadedObject>;
  /** The same with a file; a whole folder of them is `uploadDir`. */
  uploadFile: (path: string, key: string, options?: SaveOptions) => Promise<UploadedObject>;
}

export function createObjectUploads(
  storage: StorageBackend,
  open: <T>(work: () => Promise<T>) => Promise<T>,
): ObjectUploads {
  async function upload(source: string | Uint8Array, key: string, options?: SaveOptions) {
    const saved = await storage.save(key, source, options);
    const { url } = await storage.getPresignedUrl("GET", key);
    return { ...saved, url };
  }

  return {
    uploadBytes: (bytes, key, options) =>
      open(async () => {
        // A string would be taken for a path.
        const given: unknown = bytes;
        if (given instanceof Uint8Array) return upload(given, key, options);
        throw new ReelsyncError("INVALID_ARGUMENT", "bytes is neither a Buffer nor a Uint8Array");
      }),
    uploadFile: (path, key, options) =>
      open(async () => {
        const given: unknown = path;
        if (typeof given === "string") return upload(given, key, options);
        throw new ReelsyncError("INVALID_ARGUMENT", "path is no path");
      }),
  };
}
