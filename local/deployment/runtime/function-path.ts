/** The spellings of a function's address: `dir/file:fn` from clients, `dir/file.js:fn` in stored records. */

export interface FunctionPath {
  /** `dir/file.js` */
  module: string;
  name: string;
}

/** Null when no pushed module can have this address. */
export function parseFunctionPath(text: string): FunctionPath | null {
  const colon = text.lastIndexOf(":");
  const file = colon === -1 ? text : text.slice(0, colon);
  const name = colon === -1 ? "default" : text.slice(colon + 1);
  const module = /\.[^./]*$/.test(file) ? file : `${file}.js`;
  if (!module.endsWith(".js") || module === ".js" || name === "") return null;
  return { module: module.replace(/^\/+/, ""), name };
}

/** As people write it. */
export function displayPath({ module, name }: FunctionPath): string {
  return `${module.replace(/\.js$/, "")}:${name}`;
}

/** As `_scheduled_functions` keeps it. */
export function storedPath({ module, name }: FunctionPath): string {
  return `${module}:${name}`;
}
