/**
 * One process for a data directory: the lock file names its owner, and a lock whose owner is gone is taken over. An
 * owner is a process id with its start time where the system tells (Linux): after a crash the id may be another's.
 */
import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import * as z from "zod";
import { LocalStackError } from "./errors.ts";

const ownerSchema = z.object({ pid: z.int(), startedAt: z.string().nullable(), instance: z.string() });
type Owner = z.infer<typeof ownerSchema>;

/** Locks this very process has or is about to have: its own id proves nothing about them. */
const heldHere = new Set<string>();

export async function lockDataDir(file: string): Promise<{ release(): Promise<void> }> {
  const owner: Owner = {
    pid: process.pid,
    startedAt: await startTime(process.pid),
    instance: randomUUID(),
  };
  const own = `${file}.${owner.instance}`;
  await writeFile(own, JSON.stringify(owner), { mode: 0o600 });
  // Before the link and until after its removal: another start in this process may read the lock at any moment.
  heldHere.add(owner.instance);
  try {
    // Linking fails when the name exists, and the file is complete from the first moment.
    while (!(await succeeds(link(own, file), "EEXIST"))) await removeStale(file, own);
  } catch (error) {
    heldHere.delete(owner.instance);
    throw error;
  } finally {
    await rm(own, { force: true });
  }
  return {
    release: async () => {
      await rm(file, { force: true });
      heldHere.delete(owner.instance);
    },
  };
}

async function removeStale(file: string, own: string): Promise<void> {
  const owner = await readOwner(file);
  if (owner && (await isAlive(owner))) {
    throw new LocalStackError(
      "DATA_DIR_IN_USE",
      `The data directory is in use by process ${owner.pid} (${file}). Stop that process, or choose another directory with --data-dir.`,
    );
  }
  // Moved aside, not removed: another starter may have replaced it by a live lock since it was read.
  const aside = `${own}.stale`;
  if (!(await succeeds(rename(file, aside), "ENOENT"))) return;
  const moved = await readOwner(aside);
  if (moved && moved.instance !== owner?.instance) await succeeds(link(aside, file), "EEXIST");
  await rm(aside, { force: true });
}

async function readOwner(file: string): Promise<Owner | undefined> {
  try {
    return ownerSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    // Gone, or not written by us: nobody's.
    return undefined;
  }
}

async function isAlive({ pid, startedAt, instance }: Owner): Promise<boolean> {
  if (pid === process.pid) return heldHere.has(instance);
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM means that there is such a process, of someone else.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return startedAt === null || startedAt === (await startTime(pid));
}

/** Field 22 of /proc/PID/stat, counted behind the program's name, which may itself hold blanks and brackets. */
async function startTime(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

async function succeeds(operation: Promise<unknown>, expected: "EEXIST" | "ENOENT"): Promise<boolean> {
  try {
    await operation;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === expected) return false;
    throw error;
  }
}
