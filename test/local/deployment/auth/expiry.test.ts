import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ConvexClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { type Deployment, openDoors } from "../../../../local/deployment/doors.ts";
import { type Issuer, startIssuer } from "../../../../local/issuer/index.ts";
import { RawClient } from "../sync/raw-client.ts";
import { ScriptedEngine } from "../sync/scripted-engine.ts";

const HOUR = 60 * 60 * 1000;

const send = makeFunctionReference<"mutation">("a:send");

let engine: ScriptedEngine;
let deployment: Deployment;
let issuer: Issuer;
let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), "issuer-"));
  const people = [{ subject: "ada", name: "Ada Byron", email: "ada@example.com" }];
  issuer = await startIssuer({ dataDir, clientId: "app", people });
  engine = new ScriptedEngine();
  engine.providers = { providers: [{ type: "oidc", domain: issuer.issuer, applicationID: "app" }] };
  deployment = await openDoors({ adminKey: "local|secret" }, async () => engine);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});

afterEach(async () => {
  vi.useRealTimers();
  await deployment.close();
  await issuer.close();
  await rm(dataDir, { recursive: true });
});

async function signedIn(): Promise<RawClient> {
  const client = await RawClient.open(deployment.url);
  client.connect();
  client.send({
    type: "Authenticate",
    tokenType: "User",
    value: await issuer.tokenFor("ada"),
    baseVersion: 0,
  });
  await client.next("Transition");
  return client;
}

test("a mutation with an expired token does not run: the client is told that its token expired", async () => {
  const client = await signedIn();
  vi.setSystemTime(Date.now() + 2 * HOUR);
  client.mutate(0, "a:send");
  expect(await client.next("AuthError")).toMatchObject({ authUpdateAttempted: false, baseVersion: 1 });
  await client.closed;
  expect(engine.mutationsRun).toEqual([]);
});

test("a subscription is not updated with an expired token", async () => {
  const client = await signedIn();
  client.watch(0, ["a:list"]);
  await client.next("Transition");
  vi.setSystemTime(Date.now() + 2 * HOUR);
  engine.append("a", "secret");
  expect(await client.next("AuthError")).toMatchObject({ authUpdateAttempted: false });
  await client.closed;
  expect(JSON.stringify(client.received)).not.toContain("secret");
});

test("the issuer being down is not the token's fault: the client is asked to come back", async () => {
  const token = await issuer.tokenFor("ada");
  await issuer.close();
  const client = await RawClient.open(deployment.url);
  client.connect();
  client.send({ type: "Authenticate", tokenType: "User", value: token, baseVersion: 0 });
  expect((await client.closed).reason).toMatch(/^InternalServerError/);
  expect(client.received).toEqual([]);
});

test("[G3] the official client gets a new token after expiry, and the mutation that met it happens once", async () => {
  const client = new ConvexClient(deployment.url, {
    webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
    logger: false,
  });
  let fetched = 0;
  const authenticated = new Promise<void>((resolve) => {
    client.setAuth(
      async () => {
        fetched++;
        return issuer.tokenFor("ada");
      },
      (isAuthenticated) => {
        if (isAuthenticated) resolve();
      },
    );
  });
  await authenticated;
  await client.mutation(send, {});
  const before = fetched;
  vi.setSystemTime(Date.now() + 2 * HOUR);
  await client.mutation(send, {});
  expect(fetched).toBeGreaterThan(before);
  expect(engine.lists.get("a")).toHaveLength(2);
  await client.close();
});
