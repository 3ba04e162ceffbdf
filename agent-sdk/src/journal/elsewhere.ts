/** What other processes of this machine keep in their journals. Only to be told of: its owner is who sends it. */
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { recordIn, type JournalRecord } from "./journal-record.ts";

/** `root`: the folder of all journals. Undefined for what nobody was answered `queued` for. */
export async function queuedElsewhere(
  root: string,
  own: string,
  uploadId: string,
): Promise<JournalRecord | undefined> {
  if (basename(uploadId) !== uploadId) return undefined;
  const owners = await readdir(root).catch(() => []);
  for (const owner of owners) {
    if (owner === basename(own)) continue;
    const record = await recordIn(join(root, owner, uploadId));
    if (record?.acknowledged === true) return record;
  }
  return undefined;
}
