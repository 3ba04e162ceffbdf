/**
 * The arguments of the public calls by name and kind, which TypeScript knows and a JavaScript program does not: a call
 * without one is refused by the argument's name, and not by what its absence breaks further in.
 */
import type { Cleanup } from "./cleanup/cleanup.ts";
import type { Core } from "./core.ts";
import { ReelsyncError } from "./errors.ts";
import type { Folders } from "./folders/folders.ts";
import type { Ingest } from "./ingest/ingest-from-url.ts";
import type { Media } from "./media/media.ts";
import type { ObjectUploads } from "./storage/upload-object.ts";

type Client = Core & Ingest & Folders & Media & Cleanup & ObjectUploads;

type Kind = "a text" | "an object" | "a list" | "a function" | "bytes" | "a text or an object";
type Parameter = readonly [name: string, kind: Kind, optional?: "optional"];

const OPTIONS = ["options", "an object", "optional"] as const;

type Called<T> = {
  [Name in keyof T as T[Name] extends (...args: never[]) => unknown ? Name : never]: T[Name];
};
type Checked<T> = Record<keyof Called<T>, readonly Parameter[]>;

const OF_CLIENT: Checked<Client> = {
  createSession: [["session", "an object"], OPTIONS],
  upsertScene: [["scene", "an object"], OPTIONS],
  endSession: [["session", "an object"], OPTIONS],
  uploadWithConvexSync: [["request", "an object"]],
  drain: [OPTIONS],
  batchSyncAssets: [["requests", "a list"], OPTIONS],
  syncSceneAssets: [["sceneId", "a text"], ["files", "a list"], OPTIONS],
  syncSessionAssets: [["sessionId", "a text"], ["files", "a list"], OPTIONS],
  ingestFromUrl: [
    ["url", "a text"],
    ["request", "an object"],
  ],
  syncDir: [
    ["dir", "a text"],
    ["options", "an object"],
  ],
  watch: [
    ["dir", "a text"],
    ["options", "an object"],
  ],
  uploadDir: [["root", "a text"], ["prefix", "a text"], OPTIONS],
  backfill: [
    ["prefix", "a text"],
    ["options", "an object"],
  ],
  getAssetManifest: [["sessionId", "a text"], OPTIONS],
  writeManifest: [["sessionId", "a text"], OPTIONS],
  withLocalCopy: [["asset", "a text or an object"], ["fn", "a function"], OPTIONS],
  combineSession: [["sessionId", "a text"], OPTIONS],
  cleanupWithConvexSync: [["keys", "a list"], OPTIONS],
  uploadBytes: [["bytes", "bytes"], ["key", "a text"], OPTIONS],
  uploadFile: [["path", "a text"], ["key", "a text"], OPTIONS],
  urlFor: [["assetId", "a text"], OPTIONS],
  uploadStatus: [["uploadId", "a text"], OPTIONS],
  on: [["listener", "a function"]],
  close: [OPTIONS],
};

const OF_DEAD_LETTERS: Checked<Client["deadLetters"]> = {
  list: [OPTIONS],
  replay: [["id", "a text"], OPTIONS],
  watch: [],
};

/** In place: the client's state is read from it. */
export function checkArguments<T extends Client>(client: T): T {
  guardCalls(client, OF_CLIENT);
  guardCalls(client.deadLetters, OF_DEAD_LETTERS);
  return client;
}

function guardCalls(target: object, checks: Record<string, readonly Parameter[]>): void {
  const calls = target as Record<string, (...args: unknown[]) => unknown>;
  for (const [name, parameters] of Object.entries(checks)) {
    const call = calls[name];
    if (call === undefined) continue;
    calls[name] = (...args) => {
      const fault = faultOf(name, parameters, args);
      if (fault === undefined) return call(...args);
      // The one that answers at once can throw at once.
      if (name === "on") throw fault;
      return Promise.reject(fault);
    };
  }
}

function faultOf(
  name: string,
  parameters: readonly Parameter[],
  args: readonly unknown[],
): ReelsyncError | undefined {
  for (const [index, [what, kind, optional]] of parameters.entries()) {
    const given = args[index];
    if ((optional !== undefined && given === undefined) || IS[kind](given)) continue;
    const is = given === null ? "null" : Array.isArray(given) ? "a list" : typeof given;
    return new ReelsyncError("INVALID_ARGUMENT", `${name}: ${what} is ${is}, expected ${kind}`);
  }
  return undefined;
}

const isText = (value: unknown) => typeof value === "string";
const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);

const IS: Record<Kind, (value: unknown) => boolean> = {
  "a text": isText,
  "an object": isObject,
  "a list": Array.isArray,
  "a function": (value) => typeof value === "function",
  bytes: (value) => value instanceof Uint8Array,
  "a text or an object": (value) => isText(value) || isObject(value),
};
