/** What the journal writes down of one upload. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { unhashedIntentSchema } from "../../../contract/asset.ts";
import { callMarkSchema } from "../call-mark.ts";

const entrySchema = z.object({
  layout: z.literal(1),
  /** Order of the calls; what belongs to one scene is sent in it. */
  sequence: z.number().int(),
  createdAt: z.number(),
  /** When the call was made; absent from entries of earlier releases. */
  madeAt: callMarkSchema.optional(),
  /** Without a hash while the upload is hashed as it is sent. */
  intent: unhashedIntentSchema,
  /** What stands for the hash then: of the caller's file as it was opened. */
  mark: z.string().min(1).optional(),
  /** Where the caller's file is; absent for Buffers and streams. */
  path: z.string().optional(),
  /** Whether the caller was answered `queued`. */
  acknowledged: z.boolean(),
  /** How often it was sent from here without success, and what stopped it last. */
  attempts: z.number().int().min(0),
  code: z.string().optional(),
});
/** What a later process could not tell the content of is nothing it could go on with. */
const recordSchema = entrySchema.refine(
  ({ intent, mark, acknowledged }) => intent.sha256 !== undefined || (mark !== undefined && !acknowledged),
);
export type JournalRecord = z.infer<typeof recordSchema>;

/** Undefined for what is no record, or one of a layout that this release does not know. */
export function readRecord(text: string): JournalRecord | undefined {
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Of the upload that has this folder; undefined for what was never acknowledged or is just going away. */
export async function recordIn(place: string): Promise<JournalRecord | undefined> {
  const text = await readFile(join(place, "entry.json"), "utf8").catch(() => undefined);
  return text === undefined ? undefined : readRecord(text);
}
