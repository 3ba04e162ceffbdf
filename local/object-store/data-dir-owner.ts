/**
 * One server per data directory: two would each append to the journal what the other does not know.
 * The owner writes its address and a random instance id to `owner.json`; a later start asks that address who it is, and
 * takes over when nobody there answers with that id. A process id would not do: after `kill -9` it may be anyone's.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";

/** Every response carries the instance id in this header (S3's "host id"). */
export const INSTANCE_HEADER = "x-amz-id-2";
const ANSWER_TIMEOUT_MS = 1000;

export class DataDirInUseError extends Error {
  override readonly name = "DataDirInUseError";
  readonly code = "EDATADIRINUSE";

  constructor(dataDir: string, endpoint: string) {
    super(
      `${dataDir} is being served at ${endpoint}. Stop that object store, use it, or choose another dataDir.`,
    );
  }
}

interface Owner {
  instance: string;
  endpoint: string;
}

const ownerPath = (dataDir: string): string => path.join(dataDir, "owner.json");

function readOwner(dataDir: string): Owner | undefined {
  try {
    const owner = JSON.parse(readFileSync(ownerPath(dataDir), "utf8")) as Partial<Owner>;
    if (typeof owner.instance !== "string" || typeof owner.endpoint !== "string") return undefined;
    return { instance: owner.instance, endpoint: owner.endpoint };
  } catch {
    // Absent, or cut short by a crash: nobody owns the directory.
    return undefined;
  }
}

function instanceAt(endpoint: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = http.get(endpoint, { agent: false, timeout: ANSWER_TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(response.headers[INSTANCE_HEADER]?.toString());
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
    request.on("close", () => resolve(undefined));
  });
}

export async function refuseIfServed(dataDir: string): Promise<void> {
  const owner = readOwner(dataDir);
  if (owner === undefined) return;
  if ((await instanceAt(owner.endpoint)) === owner.instance)
    throw new DataDirInUseError(dataDir, owner.endpoint);
}

export function claim(dataDir: string, owner: Owner): void {
  writeFileSync(ownerPath(dataDir), `${JSON.stringify(owner)}\n`);
}

export function disclaim(dataDir: string, instance: string): void {
  if (readOwner(dataDir)?.instance === instance) rmSync(ownerPath(dataDir), { force: true });
}
