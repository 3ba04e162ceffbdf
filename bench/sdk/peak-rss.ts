import { readFile } from "node:fs/promises";

/** The kernel's mark for this program's own memory: `maxRSS` starts at what the parent had when it forked. */
export async function peakRssKib(): Promise<number> {
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS);
}
