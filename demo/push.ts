/** Puts this project's `convex/` on a deployment with the official CLI, and skips that when nothing has changed since. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const PROJECT_DIR = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);

export interface PushTarget {
  url: string;
  adminKey: string;
  /** Remembers what was pushed last. */
  stampFile: string;
}

export async function pushFunctions(target: PushTarget): Promise<"pushed" | "unchanged"> {
  const stamp = `${target.url} ${await hashFolders(["convex", "contract"])}`;
  if ((await readFile(target.stampFile, "utf8").catch(() => "")) === stamp) return "unchanged";

  const cli = join(dirname(createRequire(import.meta.url).resolve("convex/package.json")), "bin/main.js");
  // CI=1 keeps the CLI from reporting failures to the outside, which hangs without a network.
  const env = {
    ...process.env,
    CI: "1",
    CONVEX_SELF_HOSTED_URL: target.url,
    CONVEX_SELF_HOSTED_ADMIN_KEY: target.adminKey,
  };
  try {
    // Types are checked by `npm run check`; here that would take twice as long as everything else.
    await run(process.execPath, [cli, "deploy", "-y", "--typecheck", "disable"], {
      cwd: PROJECT_DIR,
      env,
      timeout: 120_000,
    });
  } catch (error) {
    const output = error as { stderr?: string; stdout?: string };
    throw new Error(`convex deploy failed:\n${output.stderr ?? ""}${output.stdout ?? ""}`, { cause: error });
  }
  await writeFile(target.stampFile, stamp);
  return "pushed";
}

/** One hash over every file below the folders, by name and content. */
export async function hashFolders(folders: string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const folder of folders) {
    const entries = await readdir(join(PROJECT_DIR, folder), { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    for (const file of files.filter((name) => !/[/\\](dist|node_modules)[/\\]/.test(name)).sort()) {
      hash
        .update(file.slice(PROJECT_DIR.length))
        .update("\0")
        .update(await readFile(file))
        .update("\0");
    }
  }
  return hash.digest("hex");
}
