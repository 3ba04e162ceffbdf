/** A content type and a file name for an asset whose caller gave none. */
import { extname } from "node:path";
import mime from "mime";
import { acceptsContentType, type AssetType } from "../../../contract/asset.ts";

/** What an asset of a type is when neither a name nor a content type says; absent where nothing is likely. */
const USUAL_NAME: Partial<Record<AssetType, string>> = {
  video_chunk: "chunk.mp4",
  combined_video: "video.mp4",
  thumbnail: "thumbnail.jpg",
  subtitle: "subtitle.srt",
  combined_subtitle: "subtitle.srt",
  source_code: "source.txt",
  manifest: "manifest.json",
  transcript: "transcript.txt",
};

/** Extensions that mean a video format or nothing at all to the registry, but code to an agent. */
const CODE_TYPES: Record<string, string> = {
  ".ts": "text/x-typescript",
  ".mts": "text/x-typescript",
  ".cts": "text/x-typescript",
  ".tsx": "text/x-typescript",
  ".py": "text/x-python",
};

export function usualFileName(assetType: AssetType, contentType?: string): string | undefined {
  const extension = contentType === undefined ? null : mime.getExtension(contentType);
  const usual = USUAL_NAME[assetType];
  if (extension === null) return usual;
  return `${(usual ?? "file").split(".")[0] ?? "file"}.${extension}`;
}

/** `.ts` is TypeScript as source code and an MPEG transport stream as video. Unknown and unsafe code is shown as plain text. */
export function guessContentType(fileName: string, assetType: AssetType): string | undefined {
  const registered = mime.getType(fileName) ?? undefined;
  if (assetType !== "source_code") return registered;
  const type = CODE_TYPES[extname(fileName).toLowerCase()] ?? registered;
  return type !== undefined && acceptsContentType(assetType, type) ? type : "text/plain";
}
