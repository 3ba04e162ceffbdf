/** The package as somebody else gets it: packed by npm, and installed into an empty project. */
import { execFile } from "node:child_process";
import { mkdir, readFile, readdir, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { PROJECT_DIR } from "../../demo/push.ts";
import { SECOND } from "../../contract/limits.ts";

const exec = promisify(execFile);
const resolveHere = createRequire(import.meta.url).resolve;

/** Long enough for a slow network, short enough for none. */
const INSTALL_TIMEOUT_MS = 60 * SECOND;

/** Builds and packs; answers the tarball's path. */
export async function packSdk(folder: string): Promise<string> {
  await npm(PROJECT_DIR, ["pack", "--workspace", "reelsync", "--pack-destination", folder]);
  const [tarball] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  if (tarball === undefined) throw new Error("npm pack made no tarball");
  return join(folder, tarball);
}

export async function filesOf(tarball: string): Promise<string[]> {
  const { stdout } = await exec("tar", ["-tzf", tarball]);
  return stdout.trim().split("\n");
}

export interface Consumer {
  folder: string;
  /** How the package came in: by npm, or, where npm reaches no registry, unpacked beside this repository's dependencies. */
  installed: "by npm" | "by links";
  /** Runs a script with an empty environment; answers what it printed. */
  run: (fileName: string, script: string, ...nodeOptions: string[]) => Promise<string>;
  /** Runs the package's command. */
  command: (...args: string[]) => Promise<string>;
  /** Throws what the compiler says. */
  typecheck: (fileName: string, source: string, compiler: CompilerOptions) => Promise<void>;
}

interface CompilerOptions {
  module: "NodeNext" | "ESNext";
  moduleResolution: "nodenext" | "bundler";
  /** Whether declarations are taken as they are, or checked too; that takes four times as long. */
  skipLibCheck: boolean;
}

export async function createConsumer(
  folder: string,
  type: "module" | "commonjs",
  tarball: string,
): Promise<Consumer> {
  await mkdir(folder);
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type }));
  const installed = await install(folder, tarball);
  return {
    folder,
    installed,
    async run(fileName, script, ...nodeOptions) {
      await writeFile(join(folder, fileName), script);
      const { stdout } = await exec(process.execPath, [...nodeOptions, fileName], {
        cwd: folder,
        env: { PATH: process.env["PATH"], AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
      });
      return stdout;
    },
    async command(...args) {
      const modules = join(folder, "node_modules");
      const { stdout } = await (installed === "by npm"
        ? exec(join(modules, ".bin/reelsync"), args)
        : exec(process.execPath, [join(modules, "reelsync/dist/cli/main.js"), ...args]));
      return stdout;
    },
    async typecheck(fileName, source, compilerOptions) {
      await writeFile(join(folder, fileName), source);
      const project = join(folder, `tsconfig.${compilerOptions.moduleResolution}.json`);
      await writeFile(project, JSON.stringify(tsconfig(fileName, compilerOptions)));
      const compiler = resolveHere("typescript/bin/tsc");
      await exec(process.execPath, [compiler, "-p", project]).catch((error: unknown) => {
        throw new Error((error as { stdout: string }).stdout);
      });
    },
  };
}

function tsconfig(fileName: string, options: CompilerOptions): object {
  return {
    compilerOptions: {
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      target: "ES2023",
      lib: ["ES2023"],
      types: ["node"],
      typeRoots: [dirname(dirname(resolveHere("@types/node/package.json")))],
      ...options,
    },
    files: [fileName],
  };
}

async function install(folder: string, tarball: string): Promise<Consumer["installed"]> {
  const options = ["--prefer-offline", "--fetch-retries=0", "--no-audit", "--no-fund", "--ignore-scripts"];
  try {
    await npm(folder, ["install", ...options, tarball], INSTALL_TIMEOUT_MS);
    return "by npm";
  } catch (error) {
    // What npm says about the package itself is a fault; only a registry out of reach is not.
    if (!/ENOTCACHED|ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|timed? ?out|SIGKILL/i.test(String(error)))
      throw error;
    await link(folder, tarball);
    return "by links";
  }
}

/** Only what the package declares is linked, so that an undeclared dependency is still found out. */
async function link(folder: string, tarball: string): Promise<void> {
  const modules = join(folder, "node_modules");
  const target = join(modules, "reelsync");
  await mkdir(target, { recursive: true });
  await exec("tar", ["-xzf", tarball, "-C", target, "--strip-components=1"]);
  const { dependencies } = JSON.parse(await readFile(join(target, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(PROJECT_DIR, "node_modules", name), join(modules, name)).catch(() => undefined);
  }
}

/** Without the variables an outer npm leaves behind: they would point it at this repository. */
async function npm(cwd: string, args: string[], timeout = 0): Promise<void> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(?!config_)|^INIT_CWD$|^NODE_ENV$/i.test(name)),
  );
  await exec("npm", args, { cwd, env, timeout, killSignal: "SIGKILL" }).catch((error: unknown) => {
    const { signal, stderr } = error as { signal?: string; stderr: string };
    throw new Error(`npm ${args[0]} failed (${signal ?? "exit"}): ${stderr}`, { cause: error });
  });
}
