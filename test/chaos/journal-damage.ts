/** What may happen to the files of a dead process, and what is left of them in the end. */
import { readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "./random.ts";
import type { Damage } from "./schedule.ts";

/** Longer than any lease lives without a heartbeat. */
const LONG_AGO_S = 3_600;

/** Damages one such file, if there is one. Answers whose it was; a lease belongs to no upload. */
export function damageJournal(
  folder: string,
  what: Damage,
  random: Random,
): { uploadId: string } | undefined {
  const name = what === "lease" ? "lease.json" : what === "entry" ? "entry.json" : what;
  const files = filesUnder(folder).filter(
    (path) =>
      path.endsWith(`/${name}`) &&
      !path.startsWith("quarantine/") &&
      // A second name of the caller's own file: damaging that is not what is meant.
      statSync(join(folder, path)).nlink === 1,
  );
  if (files.length === 0) return undefined;
  const path = random.pick(files.sort());
  const file = join(folder, path);
  const { size } = statSync(file);
  if (random.chance(0.5)) truncateSync(file, Math.floor(size / 2));
  else writeFileSync(file, flipped(readFileSync(file), random));
  // A lease nobody can read is judged by its heartbeat, and its owner has been dead for a while by now.
  if (what === "lease") utimesSync(file, Date.now() / 1000 - LONG_AGO_S, Date.now() / 1000 - LONG_AGO_S);
  return { uploadId: what === "lease" ? "" : (path.split("/")[1] ?? "") };
}

/** Paths relative to the folder; nothing where there is none. */
export function filesUnder(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  } catch {
    return [];
  }
}

function flipped(bytes: Buffer, random: Random): Buffer {
  const other = Buffer.from(bytes);
  for (let left = 4; left > 0 && other.length > 0; left--) {
    const at = random.int(0, other.length - 1);
    other[at] = (other[at] ?? 0) ^ 0xff;
  }
  return other;
}
