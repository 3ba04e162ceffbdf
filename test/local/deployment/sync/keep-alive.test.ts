import { afterEach, expect, test, vi } from "vitest";
import { openDoors } from "../../../../local/deployment/doors.ts";
import { RawClient } from "./raw-client.ts";
import { ScriptedEngine } from "./scripted-engine.ts";

const SECOND = 1000;

afterEach(() => vi.useRealTimers());

test("after 15 silent seconds the client hears a Ping, and not sooner", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"] });
  const engine = new ScriptedEngine();
  const deployment = await openDoors({ adminKey: "local|secret" }, async () => engine);
  const client = await RawClient.open(deployment.url);
  client.connect();
  vi.advanceTimersByTime(10 * SECOND);
  client.watch(0, []);
  // Every frame restarts the silence, so the first Ping comes 15 seconds after this one.
  await client.next("Transition");
  let pinged = false;
  const ping = client.next("Ping").then(() => (pinged = true));
  vi.advanceTimersByTime(14 * SECOND);
  client.watch(1, []);
  await client.next("Transition");
  expect(pinged).toBe(false);
  vi.advanceTimersByTime(16 * SECOND);
  await ping;
  client.close();
  await deployment.close();
});
