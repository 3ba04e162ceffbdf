/** Where clients find a running sidecar: its URL and its token, readable by the user who started it and nobody else. */
import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { writeWhole } from "../journal/durable-file.ts";

export interface Address {
  url: string;
  token?: string;
  pid: number;
}

export async function writeAddress(path: string, address: Address): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeWhole(path, `${JSON.stringify(address)}\n`, { synced: false });
}

/** Only what this sidecar wrote: another one may have been started since. */
export async function removeAddress(path: string, { pid, url }: Address): Promise<void> {
  const text = await readFile(path, "utf8").catch(() => "");
  if (text.includes(`"pid":${pid}`) && text.includes(JSON.stringify(url))) await rm(path, { force: true });
}
