/** Doors on a scripted engine, and clients to them; all closed when the test is over. */
import { onTestFinished } from "vitest";
import { openDoors } from "../../../../local/deployment/doors.ts";
import { RawClient } from "./raw-client.ts";
import { ScriptedEngine } from "./scripted-engine.ts";

export const ADMIN_KEY = "local|secret";

export interface Doors {
  engine: ScriptedEngine;
  url: string;
  connected: () => Promise<RawClient>;
}

export async function openScripted(): Promise<Doors> {
  const engine = new ScriptedEngine();
  const deployment = await openDoors({ adminKey: ADMIN_KEY }, async () => engine);
  onTestFinished(() => deployment.close());
  const { url } = deployment;
  const connected = async () => {
    const client = await RawClient.open(url);
    onTestFinished(() => client.close());
    client.connect();
    return client;
  };
  return { engine, url, connected };
}
