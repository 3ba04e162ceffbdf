/**
 * The published package: `dist/` holds the SDK as an ES module and as a CommonJS module, each with its types, and the
 * command line as an ES module. What is this project's own (contract/, the generated API) is inside; the dependencies
 * stay dependencies.
 *
 * Some of them exist as ES modules only. Node can `require` those, many loaders of CommonJS cannot (Jest, older bundlers,
 * Node itself with --no-experimental-require-module), so the CommonJS build carries them, with their licences beside it.
 */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, type ExternalOption, type Plugin } from "rolldown";
import { dts } from "rolldown-plugin-dts";
import manifest from "./package.json" with { type: "json" };

const DIST = "dist";
const LIBRARY = { index: "src/index.ts", testing: "src/testing/index.ts" };
const COMMAND_LINE = { "cli/main": "src/cli/main.ts" };
/** With the one package that p-retry itself needs; what the others need is no dependency of ours, and goes in with them. */
const ES_MODULES_ONLY = [
  "p-retry",
  "is-network-error",
  "mime",
  "p-map",
  "request-filtering-agent",
  "http-proxy-agent",
  "https-proxy-agent",
];

function dependencies({ except = [] as string[] } = {}): ExternalOption {
  const names = Object.keys(manifest.dependencies).filter((name) => !except.includes(name));
  // Kerberos is for whoever has it: the proxy agents ask for it when they are told to.
  return [/^node:/, "kerberos", ...names.map((name) => new RegExp(`^${name}(/|$)`))];
}

/** Nothing that an earlier build left may be published. */
function emptied(): Plugin {
  return { name: "empty-dist", buildStart: () => rmSync(DIST, { recursive: true, force: true }) };
}

/** What stands elsewhere in the repository, and whoever has installed the package is sent to. */
const ENCLOSED = {
  ".env.example": "../.env.example",
  "python/reelsync_client.py": "../examples/python/reelsync_client.py",
};

function enclosed(): Plugin {
  return {
    name: "enclosed",
    generateBundle() {
      for (const [fileName, path] of Object.entries(ENCLOSED)) {
        this.emitFile({ type: "asset", fileName, source: readFileSync(path) });
      }
    },
  };
}

/** A copy of somebody's code goes with its licence. */
function licences(): Plugin {
  return {
    name: "licences",
    generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
      const folders = new Set(modules.map(packageFolder).filter((folder) => folder !== undefined));
      const texts = [...folders].sort().map((folder) => {
        const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
          name: string;
          version: string;
          license?: string;
        };
        const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.(md|txt))?$/i.test(entry));
        const text = file === undefined ? license : readFileSync(join(folder, file), "utf8").trim();
        if (text === undefined) throw new Error(`${name} comes without a licence`);
        return `${name} ${version}\n\n${text}\n`;
      });
      this.emitFile({
        type: "asset",
        fileName: "THIRD-PARTY-LICENSES.txt",
        source: texts.join(`\n${"-".repeat(80)}\n\n`),
      });
    },
  };
}

function packageFolder(module: string): string | undefined {
  return /^.*[/\\]node_modules[/\\](?:@[^/\\]+[/\\])?[^/\\]+/.exec(module)?.[0];
}

/** The same types for `require`: by their ending TypeScript tells which kind of module they describe. */
function typesOfCommonJs(): Plugin {
  return {
    name: "types-of-commonjs",
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type !== "chunk") continue;
        const source = file.code.replaceAll(/(from "\.{1,2}\/[^"]+)\.js"/g, '$1.cjs"');
        this.emitFile({ type: "asset", fileName: file.fileName.replace(/\.d\.ts$/, ".d.cts"), source });
      }
    },
  };
}

export default defineConfig([
  {
    input: { ...LIBRARY, ...COMMAND_LINE },
    platform: "node",
    external: dependencies(),
    plugins: [emptied(), enclosed()],
    output: { dir: DIST, format: "esm", chunkFileNames: "chunks/[name].js" },
  },
  {
    input: LIBRARY,
    platform: "node",
    external: dependencies({ except: ES_MODULES_ONLY }),
    plugins: [licences()],
    output: {
      dir: DIST,
      format: "cjs",
      entryFileNames: "[name].cjs",
      chunkFileNames: "chunks/[name].cjs",
    },
  },
  {
    input: LIBRARY,
    platform: "node",
    external: dependencies(),
    plugins: [dts({ emitDtsOnly: true, tsconfig: "tsconfig.build.json" }), typesOfCommonJs()],
    output: { dir: DIST, format: "esm" },
    checks: { bundlerTimings: false },
  },
]);
