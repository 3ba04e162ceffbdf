/** UploadPartCopy: a part whose bytes come from an object. They are read, hashed and written; parts own their files. */
import { createHash } from "node:crypto";
import type { UploadPart } from "../catalog.ts";
import { createHasher } from "../checksums.ts";
import { quote } from "../conditions.ts";
import { S3Error } from "../errors.ts";
import { xmlReply, type Handler } from "../request.ts";
import { element, xmlDocument } from "../xml.ts";
import { findCopySource } from "./copy.ts";
import { isoDate } from "./list-page.ts";
import { commitPart, readPartNumber, requireUpload } from "./multipart.ts";
import { MAX_SINGLE_UPLOAD_BYTES } from "./object-write.ts";

/** Unlike a Range header this one must be complete and lie within the source. */
function readCopyRange(header: string | undefined, size: number): { start: number; end: number } {
  if (header === undefined) return { start: 0, end: size - 1 };
  const match = /^bytes=(\d+)-(\d+)$/.exec(header.trim());
  const [start, end] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || start > end) {
    throw new S3Error("InvalidArgument", {
      message: "The x-amz-copy-source-range value must be of the form bytes=first-last",
      fields: { ArgumentName: "x-amz-copy-source-range", ArgumentValue: header },
    });
  }
  if (end >= size) {
    throw new S3Error("InvalidArgument", {
      message: `Range specified is not valid for source object of size: ${size}`,
      fields: { ArgumentName: "x-amz-copy-source-range", ArgumentValue: header },
    });
  }
  return { start, end };
}

export const UploadPartCopy: Handler = async (context) => {
  const { request, store } = context;
  const partNumber = readPartNumber(context);
  const { upload } = requireUpload(context);
  const source = findCopySource(context).object;
  const { start, end } = readCopyRange(request.headers.get("x-amz-copy-source-range"), source.size);
  if (end - start + 1 > MAX_SINGLE_UPLOAD_BYTES) {
    throw new S3Error("InvalidRequest", {
      message: `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_SINGLE_UPLOAD_BYTES}`,
    });
  }

  const md5 = createHash("md5");
  const algorithm = upload.checksum?.algorithm;
  const hasher = algorithm === undefined ? undefined : createHasher(algorithm);
  const writer = store.segments.createWriter();
  store.segments.retain(source.segments);
  try {
    if (source.size > 0) {
      for await (const chunk of store.segments.read(source.segments, start, end)) {
        const written = writer.write([chunk]);
        md5.update(chunk);
        hasher?.update(chunk);
        await written;
      }
    }
  } catch (error) {
    await writer.discard();
    throw error;
  } finally {
    store.segments.release(source.segments);
  }

  const segments = await writer.finish();
  const part: UploadPart = {
    size: end - start + 1,
    etag: md5.digest("hex"),
    modifiedMs: Date.now(),
    segments,
    checksum: algorithm && hasher && { algorithm, value: hasher.digest().toString("base64") },
  };
  commitPart(context, partNumber, part);
  const content =
    element("LastModified", isoDate(part.modifiedMs)) +
    element("ETag", quote(part.etag)) +
    (part.checksum === undefined ? "" : element(`Checksum${part.checksum.algorithm}`, part.checksum.value));
  return xmlReply(xmlDocument("CopyPartResult", content));
};
