/**
 * A disk that has no room, and a process that is killed in the middle of writing: by number of the operation under one
 * folder. Works at the border to Node's own file functions, which the SDK calls by name; half of what did not fit is there.
 */
import fs, { type PathLike } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { resolve, sep } from "node:path";
import type { DiskTrouble } from "./schedule.ts";

type Verdict = "fits" | "no room";

/** Returns what puts everything right again. */
export function spoilDisk(
  folder: string,
  { fullFrom, fullFor, killAt }: DiskTrouble,
  say: (what: "full" | "killed") => void,
): () => void {
  const root = resolve(folder) + sep;
  const real = { ...fs.promises };
  const realSync = { writeFileSync: fs.writeFileSync, appendFileSync: fs.appendFileSync };
  let operations = 0;

  /** Asked once by each operation that writes. */
  function meet(path: PathLike): Verdict {
    if (!resolve(String(path)).startsWith(root)) return "fits";
    operations += 1;
    if (operations === killAt) {
      say("killed");
      process.kill(process.pid, "SIGKILL");
    }
    if (operations === fullFrom) say("full");
    return fullFrom !== null && operations >= fullFrom && operations < fullFrom + fullFor
      ? "no room"
      : "fits";
  }

  async function half(handle: FileHandle, data: unknown): Promise<never> {
    const bytes = Buffer.from(data as Uint8Array);
    await handle.write(bytes, 0, Math.floor(bytes.length / 2));
    throw noRoom();
  }

  Object.assign(fs.promises, {
    async mkdir(...args: Parameters<typeof real.mkdir>) {
      if (meet(args[0]) === "no room" && !fs.existsSync(args[0])) throw noRoom();
      return real.mkdir(...args);
    },
    async copyFile(...args: Parameters<typeof real.copyFile>) {
      if (meet(args[1]) === "no room") throw noRoom();
      return real.copyFile(...args);
    },
    async rename(...args: Parameters<typeof real.rename>) {
      meet(args[1]);
      return real.rename(...args);
    },
    async link(...args: Parameters<typeof real.link>) {
      meet(args[1]);
      return real.link(...args);
    },
    async open(...args: Parameters<typeof real.open>) {
      const handle = await real.open(...args);
      if (!isWriting(args[1]) || meet(args[0]) === "fits") return handle;
      handle.writeFile = (data) => half(handle, data);
      return handle;
    },
    async writeFile(...args: Parameters<typeof real.writeFile>) {
      const [path, data] = args;
      if (typeof path !== "string" || meet(path) === "fits") return real.writeFile(...args);
      const handle = await real.open(path, "w");
      return half(handle, data).finally(() => handle.close());
    },
  });
  for (const name of ["writeFileSync", "appendFileSync"] as const) {
    fs[name] = (...args: Parameters<typeof fs.writeFileSync>) => {
      if (typeof args[0] === "string" && meet(args[0]) === "no room") throw noRoom();
      realSync[name](args[0], args[1] as Uint8Array, args[2]);
    };
  }
  syncBuiltinESMExports();
  return () => {
    Object.assign(fs.promises, real);
    Object.assign(fs, realSync);
    syncBuiltinESMExports();
  };
}

function isWriting(flags: unknown): boolean {
  return typeof flags === "string" && flags !== "r";
}

function noRoom(): NodeJS.ErrnoException {
  return Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC", errno: -28 });
}
