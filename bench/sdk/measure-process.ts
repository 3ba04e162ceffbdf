/** What a program takes: wall, CPU of it and its children by the shell's own account, peak memory as the kernel marks it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import type { RunResult } from "./upload-run.ts";

const WATCH_EVERY_MS = 50;

export async function measureProcess(
  command: readonly string[],
  env: Record<string, string>,
): Promise<RunResult> {
  const startedAt = performance.now();
  const shell = spawn("bash", ["-c", `TIMEFORMAT="%U %S"; time "$@"`, "bash", ...command], {
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let errors = "";
  shell.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  let peakRssMib = 0;
  const watch = setInterval(() => (peakRssMib = Math.max(peakRssMib, peakOf(shell.pid))), WATCH_EVERY_MS);
  const [code] = (await once(shell, "close")) as [number | null];
  clearInterval(watch);
  const seconds = (performance.now() - startedAt) / 1000;
  if (code !== 0) throw new Error(`${command[0]} ended with ${code}: ${errors}`);
  const [user = 0, system = 0] = (errors.trim().split("\n").at(-1) ?? "").split(" ").map(Number);
  return { seconds, cpuSeconds: user + system, peakRssMib };
}

/** The largest of a process and its descendants; 0 where the system does not tell. */
function peakOf(root: number | undefined): number {
  try {
    const family = new Set([root]);
    let peak = 0;
    for (const pid of readdirSync("/proc")
      .map(Number)
      .sort((a, b) => a - b)) {
      if (Number.isNaN(pid)) continue;
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const parent = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]);
      if (pid !== root && !family.has(parent)) continue;
      family.add(pid);
      peak = Math.max(peak, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024);
    }
    return peak;
  } catch {
    return 0;
  }
}
