/**
 * Dead letters on this machine's disk: those Convex could not be told of, and the bytes of parked Buffers and streams,
 * which exist nowhere else. Talks to nobody.
 *
 *   {folder}/
 *     {uploadId}/
 *       letter.json    SpooledLetter; written beside itself and renamed, so it is whole or absent
 *       bytes          only of Buffers and streams; complete before letter.json names it
 *
 * A folder without a readable letter.json is what a process left that died while parking; it is passed over. Holds no
 * secrets: a letter carries the intent, the error's text and a path.
 */
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import * as z from "zod";
import { callMarkSchema, type CallMark } from "../call-mark.ts";
import { deadLetterSchema, type DeadLetter } from "../../../contract/dead-letter.ts";
import { replaceBy } from "../journal/durable-file.ts";

const spooledLetterSchema = z.object({
  letter: deadLetterSchema,
  /** The row the upload had opened, when it got that far. */
  assetId: z.string().optional(),
  /** When the call was made; absent from letters of earlier releases. */
  madeAt: callMarkSchema.optional(),
  /** True when Convex has it too, and only the bytes keep it here. */
  delivered: z.boolean(),
});

export interface SpooledLetter {
  letter: DeadLetter;
  assetId?: string;
  madeAt?: CallMark;
  delivered: boolean;
}

export interface DeadLetterSpool {
  /** Where the bytes of an upload may be kept; the folder exists afterwards. */
  bytesPath: (uploadId: string) => Promise<string>;
  /** Whether the bytes of a letter are the ones kept here. */
  holdsBytesOf: (letter: DeadLetter) => boolean;
  write: (spooled: SpooledLetter) => Promise<void>;
  read: (uploadId: string) => Promise<SpooledLetter | undefined>;
  all: () => Promise<SpooledLetter[]>;
  /** Removes what no letter names: bytes whose letter could not be written. */
  discard: (uploadId: string) => Promise<void>;
  remove: (uploadId: string) => Promise<void>;
}

export function createDeadLetterSpool(folder: string): DeadLetterSpool {
  const root = resolve(folder);
  const placeOf = (uploadId: string) => join(root, uploadId);

  async function read(uploadId: string): Promise<SpooledLetter | undefined> {
    if (!z.uuid().safeParse(uploadId).success) return undefined;
    const text = await readFile(join(placeOf(uploadId), "letter.json"), "utf8").catch(() => undefined);
    if (text === undefined) return undefined;
    try {
      return spooledLetterSchema.parse(JSON.parse(text)) as SpooledLetter;
    } catch {
      return undefined;
    }
  }

  return {
    read,
    async bytesPath(uploadId) {
      await mkdir(placeOf(uploadId), { recursive: true, mode: 0o700 });
      return join(placeOf(uploadId), "bytes");
    },
    holdsBytesOf: ({ intent, filePath }) => filePath === join(placeOf(intent.uploadId), "bytes"),
    async write(spooled) {
      const place = placeOf(spooled.letter.intent.uploadId);
      await mkdir(place, { recursive: true, mode: 0o700 });
      const draft = join(place, `letter.json.${process.pid}`);
      await replaceBy(draft, join(place, "letter.json"), JSON.stringify(spooled, null, 2), { synced: true });
    },
    async all() {
      const names = await readdir(root).catch(() => []);
      const letters = await Promise.all(names.map(read));
      return letters.filter((letter) => letter !== undefined);
    },
    async discard(uploadId) {
      if ((await read(uploadId)) === undefined) await rm(placeOf(uploadId), { recursive: true, force: true });
    },
    remove: (uploadId) => rm(placeOf(uploadId), { recursive: true, force: true }),
  };
}
