/**
 * Who owns a folder of the journal, and whether that process still lives. On the same machine the answer is exact: a
 * process is its pid *and* its start, so a pid that was given away again does not pass for its former bearer. Where that
 * cannot be asked (another machine on a shared disk, a container of its own) a heartbeat that stopped says it.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { readFile, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { SECOND } from "../../../contract/limits.ts";
import { writeWhole } from "./durable-file.ts";

const leaseSchema = z.object({
  /** The running system whose process table the pid belongs to. */
  machine: z.string(),
  pid: z.number().int().min(1),
  /** When the process started, as its system tells it; absent where that cannot be read. */
  startedAt: z.string().optional(),
});
export type Lease = z.infer<typeof leaseSchema>;

export const HEARTBEAT_MS = 10 * SECOND;
/** Six heartbeats missed. */
export const STALE_AFTER_MS = 60 * SECOND;

const leaseFile = (folder: string) => join(folder, "lease.json");

export function ownLease(): Lease {
  const startedAt = startOf(process.pid);
  return { machine: machine(), pid: process.pid, ...(startedAt !== undefined && { startedAt }) };
}

export function takeLease(folder: string): Promise<void> {
  return writeWhole(leaseFile(folder), JSON.stringify(ownLease()), { synced: false });
}

export async function beat(folder: string): Promise<void> {
  const now = new Date();
  await utimes(leaseFile(folder), now, now);
}

/** A folder without a lease was given up by its owner; one whose lease cannot be read is judged by its heartbeat. */
export async function isAbandoned(folder: string, now = Date.now()): Promise<boolean> {
  const text = await readFile(leaseFile(folder), "utf8").catch(() => undefined);
  if (text === undefined) return true;
  const lease = parse(text);
  if (lease?.machine === machine()) {
    if (!isRunning(lease.pid)) return true;
    const startedAt = startOf(lease.pid);
    if (startedAt !== undefined && lease.startedAt !== undefined) return startedAt !== lease.startedAt;
  }
  const beaten = await stat(leaseFile(folder)).catch(() => undefined);
  return beaten === undefined || now - beaten.mtimeMs > STALE_AFTER_MS;
}

function parse(text: string): Lease | undefined {
  try {
    return leaseSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process, but a process.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Linux tells the boot and the process namespace, so that a restart and a container are machines of their own. */
function machine(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}

/** Ticks after boot, the 22nd field; the second one is a name that may hold anything, in parentheses. */
function startOf(pid: number): string | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, "utf8");
    return line.slice(line.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
