/** A real disk of about a mebibyte, which is really full when it is full. Needs Linux and root. */
import { spawn, spawnSync } from "node:child_process";
import { appendFile, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { tempDir } from "./temp-dir.ts";

const MOUNT = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs"];

/** Why there can be none here; undefined where there can. */
export function whyNoSmallDisk(): string | undefined {
  if (process.platform !== "linux") return "needs Linux";
  if (process.getuid?.() !== 0) return "needs root";
  // In a namespace of its own the attempt leaves nothing behind.
  const { status } = spawnSync("unshare", ["--mount", ...MOUNT, "/mnt"], { stdio: "ignore" });
  return status === 0 ? undefined : "needs the right to mount";
}

export interface SmallDisk {
  path: string;
  /** Takes every block that is left. */
  fill: () => Promise<void>;
  empty: () => Promise<void>;
  usedBytes: () => Promise<number>;
}

/** Mounted for the running test. A process of its own takes it down when this one ends, in whatever way it ends. */
export async function smallDisk(): Promise<SmallDisk> {
  const path = await tempDir();
  const script = `${MOUNT.join(" ")} "$0" && echo mounted && cat > /dev/null; umount -l "$0"`;
  const keeper = spawn("sh", ["-c", script, path], { detached: true, stdio: ["pipe", "pipe", "inherit"] });
  const gone = new Promise<void>((resolve) => keeper.once("close", () => resolve()));
  onTestFinished(() => {
    keeper.stdin.end();
    return gone;
  });
  await Promise.race([
    new Promise((resolve) => keeper.stdout.once("data", resolve)),
    gone.then(() => Promise.reject(new Error(`no disk could be mounted at ${path}`))),
  ]);
  const filler = join(path, "filler");
  return {
    path,
    async fill() {
      for (const block of [Buffer.alloc(65_536), Buffer.alloc(1)]) {
        for (let full = false; !full;) {
          full = await appendFile(filler, block).then(
            () => false,
            () => true,
          );
        }
      }
    },
    empty: () => rm(filler, { force: true }),
    async usedBytes() {
      const { blocks, bfree, bsize } = await statfs(path);
      return (blocks - bfree) * bsize;
    },
  };
}
