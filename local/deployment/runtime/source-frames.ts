/** Turns the stack of an error thrown by pushed code into frames of the files its developer wrote. */
import { SourceMap } from "node:module";
import { posix } from "node:path";
import type { AppModule } from "./app.ts";

/** What module-graph.ts puts before a module's path. */
export const moduleScheme = "convex:/";

const framePattern = /^\s+at (?:(async )?(?:(.*) )?\(?)convex:\/([^)]*?):(\d+):(\d+)\)?$/;

export class SourceFrames {
  readonly #modules: Map<string, AppModule>;
  readonly #maps = new Map<string, SourceMap | null>();

  constructor(modules: readonly AppModule[]) {
    this.#modules = new Map(modules.map((module) => [module.path, module]));
  }

  /** Lines to append after the message; empty when no frame is the app's. */
  of(stack: string): string {
    let text = "";
    for (const line of stack.split("\n")) {
      const match = framePattern.exec(line);
      if (!match) continue;
      const [, isAsync, name, path, row, column] = match;
      const where = this.#original(path!, Number(row), Number(column));
      text += `\n    at ${isAsync ?? ""}${name ? `${name} ` : ""}(${where})`;
    }
    return text;
  }

  #original(path: string, row: number, column: number): string {
    const entry = this.#map(path)?.findEntry(row - 1, column - 1);
    if (!entry || !("originalSource" in entry) || typeof entry.originalSource !== "string") {
      return `../convex/${path}:${row}:${column}`;
    }
    // The CLI bundles into `out/` beside the functions' folder, and source maps are relative to the bundle.
    const source = posix.join("out", posix.dirname(path), entry.originalSource);
    return `../${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  }

  #map(path: string): SourceMap | null {
    let map = this.#maps.get(path);
    if (map === undefined) {
      map = parseSourceMap(this.#modules.get(path)?.sourceMap);
      this.#maps.set(path, map);
    }
    return map;
  }
}

function parseSourceMap(text: string | undefined): SourceMap | null {
  if (text === undefined) return null;
  try {
    return new SourceMap(JSON.parse(text) as ConstructorParameters<typeof SourceMap>[0]);
  } catch {
    // A frame of the bundle is still worth showing.
    return null;
  }
}
