/** This machine: its clock against the services', and the disk where parked uploads wait. */
import { constants } from "node:fs";
import { access, stat, statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { GIB, MIB, MINUTE, SECOND } from "../../../../contract/limits.ts";
import { createDeadLetterSpool } from "../../dead-letters/dead-letter-spool.ts";
import { plural, size } from "../quantities.ts";
import { fail, ok, warn, type Check } from "./check.ts";

/** S3 refuses signatures that are further off. */
const MAX_SKEW_MS = 15 * MINUTE;
const NOTABLE_SKEW_MS = MINUTE;
const ANSWER_TIMEOUT_MS = 5 * SECOND;

export async function checkClock(who: string, url: string, signal: AbortSignal): Promise<Check[]> {
  const asked = Date.now();
  const answer = await fetch(url, {
    method: "HEAD",
    redirect: "manual",
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
  }).catch(() => undefined);
  const told = Date.parse(answer?.headers.get("date") ?? "");
  // Whoever cannot be reached is told of elsewhere.
  if (Number.isNaN(told)) return [];
  const skew = Math.round((asked + Date.now()) / 2 - told);
  return [judgeSkew(who, skew)];
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

export async function checkDeadLetterDir(folder: string): Promise<Check[]> {
  const place = await nearestExisting(resolve(folder));
  const fix = "export REELSYNC_DEAD_LETTER_DIR=…  # a writable folder with room";
  try {
    await access(place, constants.W_OK);
  } catch {
    return [
      fail(
        "dead-letter folder",
        `${place} is not writable`,
        "What cannot be uploaded could not be kept",
        fix,
      ),
    ];
  }
  const { bavail, bsize } = await statfs(place);
  return [judgeSpace(folder, bavail * bsize, fix), ...(await waitingLetters(folder))];
}

export function judgeSpace(folder: string, free: number, fix: string): Check {
  const found = `${folder}, ${size(free)} free`;
  if (free < NO_SPACE)
    return fail("dead-letter folder", found, "There is no room to keep what cannot be uploaded", fix);
  if (free < LITTLE_SPACE) return warn("dead-letter folder", found, "A long outage may fill it", fix);
  return ok("dead-letter folder", found);
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
