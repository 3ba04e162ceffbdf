/**
 * The command line as people install it: bundled, its dependencies beside it. Once for a test file, because compiling
 * TypeScript at each start is most of what a start costs.
 */
import { chmod, copyFile, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "vite";
import { afterAll } from "vitest";
import { PROJECT_DIR } from "../../../../demo/push.ts";

const PACKAGE = join(PROJECT_DIR, "agent-sdk");

let built: Promise<string> | undefined;
afterAll(async () => {
  if (built !== undefined) await rm(await built, { recursive: true, force: true });
});

/** The words that start it. */
export async function cliCommand(): Promise<[program: string, ...args: string[]]> {
  const folder = await (built ??= bundle());
  return [process.execPath, "--enable-source-maps", join(folder, "dist/cli/main.js")];
}

/** Laid out as the published package is, which finds its version there. */
async function bundle(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "reelsync-built-"));
  // Some tests run it as another user.
  await chmod(folder, 0o755);
  await build({
    root: PROJECT_DIR,
    configFile: false,
    logLevel: "warn",
    build: {
      ssr: join(PACKAGE, "src/cli/main.ts"),
      outDir: join(folder, "dist"),
      emptyOutDir: false,
      sourcemap: true,
      rolldownOptions: { output: { entryFileNames: "cli/main.js", chunkFileNames: "chunks/[name].js" } },
    },
  });
  await copyFile(join(PACKAGE, "package.json"), join(folder, "package.json"));
  await symlink(join(PROJECT_DIR, "node_modules"), join(folder, "node_modules"), "dir");
  return folder;
}
