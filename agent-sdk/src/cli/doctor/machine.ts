/** This machine: its clock against the services', and the disk where parked uploads wait. */
import { constants } from "node:fs";
import { access, stat, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { GIB, MIB, MINUTE, SECOND } from "../../../../contract/limits.ts";
import { createDeadLetterSpool } from "../../dead-letters/dead-letter-spool.ts";
import { journalDepth } from "../../journal/depth.ts";
import { plural, size } from "../quantities.ts";
import { withoutLogin } from "../../without-login.ts";
import { fail, ok, warn, type Check } from "./check.ts";
import { dateOf } from "./date-of.ts";

/** S3 refuses signatures that are further off. */
const MAX_SKEW_MS = 15 * MINUTE;
const NOTABLE_SKEW_MS = MINUTE;

export async function checkClock(who: string, url: string, signal: AbortSignal): Promise<Check> {
  const asked = Date.now();
  try {
    const told = await dateOf(url, signal);
    return judgeSkew(who, Math.round((asked + Date.now()) / 2 - told));
  } catch (error) {
    const why = error instanceof Error && error.message !== "" ? error.message : String(error);
    const cause = withoutLogin(`${who} did not tell its time: ${why}`);
    return warn("clock", "not seen", cause, "reach it first, then run reelsync doctor again");
  }
}

/** The header counts whole seconds, so less than that says nothing. */
export function judgeSkew(who: string, skewMs: number): Check {
  const seconds = Math.abs(Math.trunc(skewMs / SECOND));
  const found =
    seconds < 2 ? `agrees with ${who}` : `${seconds} s ${skewMs > 0 ? "ahead of" : "behind"} ${who}`;
  const fix = "sudo timedatectl set-ntp true";
  if (seconds * SECOND >= MAX_SKEW_MS) {
    return fail("clock", found, "S3 refuses signatures more than 15 minutes off", fix);
  }
  if (seconds * SECOND >= NOTABLE_SKEW_MS)
    return warn("clock", found, "Signatures and tokens will fail as it drifts on", fix);
  return ok("clock", found);
}

const LITTLE_SPACE = GIB;
const NO_SPACE = 64 * MIB;

/** The disk of the journal, where uploads wait for a service. */
export async function checkJournalDir(folder: string): Promise<Check[]> {
  const space = await checkSpace(
    "journal folder",
    folder,
    "export REELSYNC_JOURNAL_DIR=…  # a writable folder with room",
  );
  const { waiting, quarantined } = await journalDepth(folder).catch(() => ({ waiting: 0, quarantined: 0 }));
  const told: Check[] = [];
  if (waiting > 0) {
    const why = "S3 or Convex was down, or a process was killed";
    told.push(warn("journal", `${plural(waiting, "upload")} waiting to be sent`, why, "reelsync drain"));
  }
  if (quarantined > 0) {
    const fix = `look into ${join(folder, "quarantine")}; remove what is of no use`;
    const what = `${plural(quarantined, "entry", "entries")} that nobody could read`;
    told.push(warn("journal", what, "They were damaged on the disk, and set aside", fix));
  }
  return [space, ...told];
}

export async function checkDeadLetterDir(folder: string): Promise<Check[]> {
  const fix = "export REELSYNC_DEAD_LETTER_DIR=…  # a writable folder with room";
  return [await checkSpace("dead-letter folder", folder, fix), ...(await waitingLetters(folder))];
}

export interface SpaceCauses {
  unusable: string;
  full: string;
  filling: string;
}

const WAITING_UPLOADS: SpaceCauses = {
  unusable: "What cannot be uploaded could not be kept",
  full: "There is no room to keep what cannot be uploaded",
  filling: "A long outage may fill it",
};

/** A folder that need not be there yet. */
export async function checkSpace(
  check: string,
  folder: string,
  fix: string,
  causes = WAITING_UPLOADS,
): Promise<Check> {
  const place = await nearestExisting(resolve(folder));
  try {
    await access(place, constants.W_OK);
    if (!(await stat(place)).isDirectory()) throw new Error("a file is in the way");
  } catch {
    return fail(check, `${place} is no writable folder`, causes.unusable, fix);
  }
  return judgeSpace(check, folder, await freeBytes(folder), fix, causes);
}

export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(await nearestExisting(resolve(folder)));
  return bavail * bsize;
}

export function judgeSpace(
  check: string,
  folder: string,
  free: number,
  fix: string,
  { full, filling } = WAITING_UPLOADS,
): Check {
  const found = `${folder}, ${size(free)} free`;
  if (free < NO_SPACE) return fail(check, found, full, fix);
  if (free < LITTLE_SPACE) return warn(check, found, filling, fix);
  return ok(check, found);
}

async function waitingLetters(folder: string): Promise<Check[]> {
  const waiting = (await createDeadLetterSpool(folder).all()).filter(({ delivered }) => !delivered).length;
  if (waiting === 0) return [];
  return [
    warn(
      "dead letters",
      `${plural(waiting, "letter")} on this machine`,
      "Convex could not be told of them yet",
      "reelsync dead-letters retry --all",
    ),
  ];
}

async function nearestExisting(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    if (at === dirname(at) || (await stat(at).catch(() => undefined)) !== undefined) return at;
  }
}
