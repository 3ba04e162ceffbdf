/** Bundles a small app given as texts into the push the official CLI would send, with the bundler it uses. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import type { Json } from "../../../../local/deployment/values/json.ts";

interface Esbuild {
  build(options: Record<string, unknown>): Promise<{ outputFiles: { path: string; text: string }[] }>;
}

// esbuild is a dependency of the convex package, not of this project, so it is reached through that.
const convexPackage = createRequire(import.meta.url).resolve("convex/package.json");
const convexDirectory = dirname(convexPackage);
const esbuild = createRequire(convexPackage)("esbuild") as Esbuild;

type Module = { path: string; source: string; sourceMap?: string; environment: "isolate" | "node" };

/** Files by their path in `convex/`. */
export async function pushOf(files: Record<string, string>): Promise<Json> {
  const directory = await mkdtemp(join(tmpdir(), "app-"));
  try {
    const paths: string[] = [];
    for (const [name, text] of Object.entries(files)) {
      const path = join(directory, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
      paths.push(path);
    }
    const isNode = (path: string) => files[relative(directory, path)]!.startsWith('"use node"');
    const isSpecial = (path: string) => /\/(schema|(auth|convex)\.config)\.ts$/.test(path);
    const shared = paths.filter((path) => !isNode(path) && !isSpecial(path));
    const changedModules = [
      ...(await bundle(directory, shared, "isolate", true)),
      ...(await bundle(directory, paths.filter(isNode), "node", true)),
      ...(await bundle(
        directory,
        paths.filter((path) => path.endsWith("auth.config.ts")),
        "isolate",
        false,
      )),
    ];
    const [schema] = await bundle(
      directory,
      paths.filter((path) => path.endsWith("schema.ts")),
      "isolate",
      false,
    );
    const [definition] = await bundle(
      directory,
      paths.filter((path) => path.endsWith("convex.config.ts")),
      "isolate",
      false,
    );
    return {
      adminKey: "key",
      dryRun: false,
      functions: "convex/",
      appDefinition: {
        definition: definition ?? null,
        dependencies: [],
        schema: schema ?? null,
        changedModules,
        unchangedModuleHashes: [],
        udfServerVersion: "1.48.0",
      },
      componentDefinitions: [],
      nodeDependencies: [],
      forCodegen: false,
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function bundle(
  directory: string,
  entryPoints: string[],
  environment: "isolate" | "node",
  splitting: boolean,
): Promise<Module[]> {
  if (entryPoints.length === 0) return [];
  const { outputFiles } = await esbuild.build({
    entryPoints,
    bundle: true,
    platform: environment === "node" ? "node" : "browser",
    format: "esm",
    target: "esnext",
    outdir: "out",
    outbase: directory,
    conditions: ["convex", "module"],
    write: false,
    nodePaths: [dirname(convexDirectory)],
    sourcemap: true,
    sourcesContent: false,
    splitting,
    chunkNames: "_deps/[hash]",
    minifySyntax: true,
    minifyIdentifiers: true,
    keepNames: true,
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "silent",
  });
  const texts = new Map(
    outputFiles.map(({ path, text }) => [relative("out", path).split(sep).join("/"), text] as const),
  );
  return [...texts]
    .filter(([path]) => !path.endsWith(".map"))
    .map(([path, source]) => {
      const sourceMap = texts.get(`${path}.map`);
      return { path, source, environment, ...(sourceMap !== undefined && { sourceMap }) };
    });
}
