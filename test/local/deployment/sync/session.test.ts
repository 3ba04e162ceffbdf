import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDoors } from "../../../../local/deployment/doors.ts";
import { RequestError } from "../../../../local/deployment/engine.ts";
import { modifications, RawClient, tsOf, versions } from "./raw-client.ts";
import { gate, ScriptedEngine } from "./scripted-engine.ts";

const ADMIN_KEY = "local|secret";

let engine: ScriptedEngine;
let url: string;
const cleanUp: (() => unknown)[] = [];

beforeEach(async () => {
  engine = new ScriptedEngine();
  const deployment = await openDoors({ adminKey: ADMIN_KEY }, async () => engine);
  url = deployment.url;
  cleanUp.push(() => deployment.close());
});

afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

async function connected(): Promise<RawClient> {
  const client = await RawClient.open(url);
  cleanUp.push(() => client.close());
  client.connect();
  return client;
}

describe("versions", () => {
  test("the first Transition starts at zero and every other where the last ended", async () => {
    const client = await connected();
    client.watch(0, ["a:list"]);
    const first = await client.next("Transition");
    expect(versions(first).start).toEqual({ querySet: 0, identity: 0, ts: "AAAAAAAAAAA=" });
    engine.append("a", 1);
    const second = await client.next("Transition");
    client.send({ type: "Authenticate", tokenType: "None", baseVersion: 0 });
    const third = await client.next("Transition");
    client.mutate(0, "b:send");
    const fourth = await client.next("Transition");
    expect(versions(second).start).toEqual(versions(first).end);
    expect(versions(third).start).toEqual(versions(second).end);
    expect(versions(fourth).start).toEqual(versions(third).end);
    expect(versions(fourth).end).toMatchObject({ querySet: 1, identity: 1 });
    expect(tsOf(versions(fourth).end.ts)).toBeGreaterThan(tsOf(versions(first).end.ts));
  });

  test("a ModifyQuerySet that changes nothing is answered by a Transition that reaches it", async () => {
    const client = await connected();
    client.send({ type: "ModifyQuerySet", baseVersion: 0, newVersion: 7, modifications: [] });
    const transition = await client.next("Transition");
    expect(versions(transition).end.querySet).toBe(7);
    expect(modifications(transition)).toEqual([]);
  });

  test("an Authenticate without queries is answered by a Transition that reaches it", async () => {
    const client = await connected();
    client.send({ type: "Authenticate", tokenType: "Admin", value: ADMIN_KEY, baseVersion: 0 });
    expect(versions(await client.next("Transition")).end.identity).toBe(1);
  });

  test.each([
    ["querySet", { type: "ModifyQuerySet", baseVersion: 3, newVersion: 4, modifications: [] }],
    ["identity", { type: "Authenticate", tokenType: "None", baseVersion: 1 }],
  ])("a wrong base version of the %s is fatal", async (member, frame) => {
    const client = await connected();
    client.send(frame);
    const fatal = await client.next("FatalError");
    expect(fatal.error).toMatch(/^BaseVersionMismatch/);
    expect(fatal.error).toContain(member);
    expect((await client.closed).code).toBe(1008);
  });

  test("removing a query yields QueryRemoved and frees its watch", async () => {
    const client = await connected();
    client.watch(0, ["a:list", "b:list"]);
    await client.next("Transition");
    expect(engine.watched).toBe(2);
    client.send({
      type: "ModifyQuerySet",
      baseVersion: 1,
      newVersion: 2,
      modifications: [{ type: "Remove", queryId: 0 }],
    });
    const transition = await client.next("Transition");
    expect(modifications(transition)).toEqual([{ type: "QueryRemoved", queryId: 0 }]);
    expect(engine.watched).toBe(1);
  });

  test("an unknown member of a message is ignored", async () => {
    const client = await connected();
    client.send({
      type: "ModifyQuerySet",
      baseVersion: 0,
      newVersion: 1,
      modifications: [{ type: "Add", queryId: 0, udfPath: "a:list", args: [{}], fromTheFuture: 1 }],
      alsoNew: true,
    });
    expect(modifications(await client.next("Transition"))).toHaveLength(1);
  });
});

describe("refused sockets", () => {
  test("a frame that is not JSON closes the socket and says why", async () => {
    const client = await connected();
    client.sendText("{not json");
    expect(await client.closed).toMatchObject({
      code: 1008,
      reason: expect.stringContaining("JSON") as string,
    });
  });

  test("anything before Connect closes the socket", async () => {
    const client = await RawClient.open(url);
    client.mutate(0, "a:send");
    expect((await client.closed).reason).toContain("Connect");
    expect(engine.mutationsRun).toEqual([]);
  });

  test("a client that has seen a later state than there is is sent away", async () => {
    const client = await RawClient.open(url);
    client.connect({ maxObservedTimestamp: Buffer.alloc(8, 0x7f).toString("base64") });
    expect((await client.closed).reason).toContain("later state");
  });

  test("old clients' path without a version is served, any other is not", async () => {
    const client = await RawClient.open(url, "/api/sync");
    client.connect();
    client.watch(0, []);
    await client.next("Transition");
    client.close();
    await expect(RawClient.open(url, "/api/elsewhere")).rejects.toThrow("404");
  });

  test("a system error while running queries closes the socket with a reason the client retries on", async () => {
    const client = await connected();
    engine.failQueriesWith = new Error("disk gone");
    client.watch(0, ["a:list"]);
    expect(await client.closed).toEqual({ code: 1011, reason: "InternalServerError: disk gone" });
  });

  test("a query the deployment refuses fails alone", async () => {
    const client = await connected();
    engine.failQueriesWith = new RequestError(403, "AdminKeyRequired", "not for you");
    client.watch(0, ["_system/tables"]);
    const [failed] = modifications(await client.next("Transition"));
    expect(failed).toEqual({
      type: "QueryFailed",
      queryId: 0,
      errorMessage: "not for you",
      logLines: [],
      journal: null,
    });
  });
});

describe("results", () => {
  test("a new query is answered in the Transition that reaches its version, unchanged ones are left out", async () => {
    const client = await connected();
    client.watch(0, ["a:list"]);
    await client.next("Transition");
    client.watch(1, ["b:list"], 1);
    expect(modifications(await client.next("Transition")).map(({ queryId }) => queryId)).toEqual([1]);
  });

  test("a commit that does not change a result sends no Transition, one that does sends it once", async () => {
    const client = await connected();
    client.watch(0, ["a:echo", "a:count"]);
    await client.next("Transition");
    engine.append("a", 1);
    const transition = await client.next("Transition");
    expect(modifications(transition)).toEqual([
      { type: "QueryUpdated", queryId: 1, value: 1, logLines: [], journal: null },
    ]);
    engine.commit("a");
    engine.commit("b");
    client.mutate(0, "b:send");
    await client.next("MutationResponse");
    expect(modifications(await client.next("Transition"))).toEqual([]);
  });

  test("errorData is absent when there is none, log lines are always there", async () => {
    const client = await connected();
    client.watch(0, ["a:failing", "a:echo"]);
    expect(modifications(await client.next("Transition"))).toEqual([
      { type: "QueryFailed", queryId: 0, errorMessage: "failed with 0", logLines: [], journal: null },
      { type: "QueryUpdated", queryId: 1, value: [{}], logLines: ["[LOG] 'echo'"], journal: null },
    ]);
    engine.append("a", 1);
    expect(modifications(await client.next("Transition"))).toMatchObject([{ errorMessage: "failed with 1" }]);
  });

  test("a page keeps the end it chose when it runs again", async () => {
    const client = await connected();
    client.watch(0, ["a:page"]);
    expect(modifications(await client.next("Transition"))).toMatchObject([
      { value: "no journal yet", journal: "end" },
    ]);
    engine.append("a", 1);
    expect(modifications(await client.next("Transition"))).toMatchObject([{ value: "end", journal: "end" }]);
  });

  test("a commit after the snapshot of a run does not mix into the run's Transition", async () => {
    const client = await connected();
    client.watch(0, ["a:count", "b:count"]);
    await client.next("Transition");
    const held = gate();
    engine.afterQueries = held;
    engine.append("a", "first");
    await held.reached;
    const afterSnapshot = engine.append("b", "first");
    engine.afterQueries = async () => undefined;
    held.open();
    const first = await client.next("Transition");
    expect(modifications(first)).toMatchObject([{ queryId: 0, value: 1 }]);
    expect(tsOf(versions(first).end.ts)).toBeLessThan(afterSnapshot);
    expect(modifications(await client.next("Transition"))).toMatchObject([{ queryId: 1, value: 1 }]);
  });

  test("a query made stale between the request of a run and its snapshot is run as well before anything is sent", async () => {
    const client = await connected();
    client.watch(0, ["a:count", "b:count"]);
    await client.next("Transition");
    const held = gate();
    engine.beforeSnapshot = held;
    engine.append("a", "first");
    await held.reached;
    // Whoever sees two in a must see one in b.
    engine.append("b", "first");
    engine.append("a", "second");
    engine.beforeSnapshot = async () => undefined;
    held.open();
    expect(modifications(await client.next("Transition"))).toMatchObject([
      { queryId: 0, value: 2 },
      { queryId: 1, value: 1 },
    ]);
  });

  test("a query removed while it runs is not answered and leaves no watch behind", async () => {
    const client = await connected();
    const held = gate();
    engine.afterQueries = held;
    client.watch(0, ["a:list"]);
    await held.reached;
    client.send({
      type: "ModifyQuerySet",
      baseVersion: 1,
      newVersion: 2,
      modifications: [{ type: "Remove", queryId: 0 }],
    });
    client.send({ type: "Action", requestId: 0, udfPath: "a:act", args: [{}] });
    await client.next("ActionResponse");
    engine.afterQueries = async () => undefined;
    held.open();
    const transition = await client.next("Transition");
    expect(versions(transition).end.querySet).toBe(2);
    expect(modifications(transition)).toEqual([{ type: "QueryRemoved", queryId: 0 }]);
    expect(engine.watched).toBe(0);
  });

  test("a query that many sessions watch runs once a commit", async () => {
    const clients = await Promise.all([connected(), connected(), connected()]);
    for (const client of clients) client.watch(0, ["a:list"]);
    await Promise.all(clients.map((client) => client.next("Transition")));
    engine.runs.length = 0;
    engine.append("a", 1);
    const transitions = await Promise.all(clients.map((client) => client.next("Transition")));
    for (const transition of transitions) expect(modifications(transition)).toMatchObject([{ value: [1] }]);
    expect(engine.runs).toEqual(["a:list"]);
    expect(engine.watched).toBe(1);
  });

  test("a query whose read set the engine has lost is run again, and goes on being live", async () => {
    const client = await connected();
    client.watch(0, ["a:list"]);
    await client.next("Transition");
    engine.runs.length = 0;
    engine.loseReadSets();
    client.mutate(0, "b:send");
    await client.next("Transition");
    expect(engine.runs).toEqual(["a:list"]);
    engine.append("a", 1);
    expect(modifications(await client.next("Transition"))).toMatchObject([{ value: [1] }]);
  });

  test("a closed socket frees its watches", async () => {
    const client = await connected();
    client.watch(0, ["a:list"]);
    await client.next("Transition");
    const other = await connected();
    client.close();
    await client.closed;
    other.watch(0, ["b:list"]);
    await other.next("Transition");
    expect(engine.watched).toBe(1);
  });
});

describe("mutations", () => {
  test("the response goes out before the Transition that shows the mutation", async () => {
    const client = await connected();
    client.watch(0, ["a:list"]);
    await client.next("Transition");
    // The commit is visible and has made the query stale, but the mutation's caller has not heard yet.
    const held = gate();
    engine.afterCommit = held;
    client.mutate(0, "a:send", { n: 1 });
    await held.reached;
    client.send({ type: "Action", requestId: 1, udfPath: "a:act", args: [{}] });
    await client.next("ActionResponse");
    held.open();
    const transition = await client.next("Transition");
    const order = client.received.map(({ type }) => type);
    expect(order).toEqual(["Transition", "ActionResponse", "MutationResponse", "Transition"]);
    const response = client.received.find(({ type }) => type === "MutationResponse");
    expect(response).toMatchObject({ requestId: 0, success: true, result: null, logLines: [] });
    expect(tsOf(versions(transition).end.ts)).toBeGreaterThanOrEqual(tsOf(response?.ts));
  });

  test("while a mutation runs, the session still hears of others' earlier commits", async () => {
    const client = await connected();
    client.watch(0, ["b:list"]);
    await client.next("Transition");
    const held = gate();
    engine.beforeCommit = held;
    client.mutate(0, "a:send");
    await held.reached;
    client.watch(1, ["a:list"], 1);
    expect(modifications(await client.next("Transition"))).toMatchObject([{ value: [] }]);
    held.open();
    await client.next("MutationResponse");
    expect(modifications(await client.next("Transition"))).toMatchObject([{ value: [[{}]] }]);
  });

  test("a mutation is followed by a Transition also when the client watches nothing", async () => {
    const client = await connected();
    client.mutate(0, "a:send");
    const response = await client.next("MutationResponse");
    const transition = await client.next("Transition");
    expect(tsOf(versions(transition).end.ts)).toBeGreaterThanOrEqual(tsOf(response.ts));
  });

  test("a failed mutation has no timestamp, carries its data and moves nothing", async () => {
    const client = await connected();
    client.mutate(0, "a:refuse");
    expect(await client.next("MutationResponse")).toEqual({
      type: "MutationResponse",
      requestId: 0,
      success: false,
      result: "refused",
      ts: null,
      logLines: [],
      errorData: { code: "NO" },
    });
  });

  test("the mutations of one socket run one after another in the order sent", async () => {
    const client = await connected();
    const held = gate();
    engine.beforeCommit = held;
    client.mutate(0, "a:send", 0);
    client.mutate(1, "a:send", 1);
    await held.reached;
    client.send({ type: "Action", requestId: 2, udfPath: "a:act", args: [{}] });
    await client.next("ActionResponse");
    expect(engine.mutationsRun).toHaveLength(1);
    engine.beforeCommit = async () => undefined;
    held.open();
    expect((await client.next("MutationResponse")).requestId).toBe(0);
    expect((await client.next("MutationResponse")).requestId).toBe(1);
    expect(engine.lists.get("a")).toEqual([[0], [1]]);
  });

  test("actions run at the same time and answer as they finish", async () => {
    const client = await connected();
    const held = gate();
    engine.beforeAction = held;
    client.send({ type: "Action", requestId: 0, udfPath: "a:act", args: ["slow"] });
    await held.reached;
    engine.beforeAction = async () => undefined;
    client.send({ type: "Action", requestId: 1, udfPath: "a:act", args: ["fast"] });
    expect(await client.next("ActionResponse")).toMatchObject({ requestId: 1, result: ["fast"] });
    held.open();
    expect(await client.next("ActionResponse")).toMatchObject({ requestId: 0, result: ["slow"] });
  });

  test("[G3] a mutation sent again by the same session is answered from its first run and still reflected", async () => {
    const before = await connected();
    before.mutate(0, "a:send");
    const first = await before.next("MutationResponse");
    const observed = versions(await before.next("Transition")).end.ts;
    before.close();

    const after = await RawClient.open(url);
    cleanUp.push(() => after.close());
    after.sessionId = before.sessionId;
    after.connect({ connectionCount: 1, maxObservedTimestamp: observed });
    after.mutate(0, "a:send");
    expect(await after.next("MutationResponse")).toEqual(first);
    const transition = await after.next("Transition");
    expect(tsOf(versions(transition).end.ts)).toBeGreaterThanOrEqual(tsOf(observed));
    expect(engine.lists.get("a")).toHaveLength(1);
  });

  test("[G3] mutations that wait when the socket closes do not run: the client sends them again", async () => {
    const client = await connected();
    const held = gate();
    engine.beforeCommit = held;
    client.mutate(0, "a:send");
    client.mutate(1, "a:send");
    await held.reached;
    client.close();
    await client.closed;
    const other = await connected();
    held.open();
    other.mutate(0, "b:send");
    await other.next("MutationResponse");
    expect(engine.mutationsRun).toEqual(["a:send", "b:send"]);
  });
});

describe("identity", () => {
  test("an identity change runs every query again and sends what differs", async () => {
    const client = await connected();
    client.watch(0, ["a:me", "a:count"]);
    await client.next("Transition");
    client.send({ type: "Authenticate", tokenType: "Admin", value: ADMIN_KEY, baseVersion: 0 });
    const transition = await client.next("Transition");
    expect(versions(transition).end.identity).toBe(1);
    expect(modifications(transition)).toMatchObject([{ queryId: 0, value: "admin" }]);
  });

  test("a bad admin key is an AuthError for the current identity, then the socket closes", async () => {
    const client = await connected();
    client.send({ type: "Authenticate", tokenType: "Admin", value: "local|wrong", baseVersion: 0 });
    expect(await client.next("AuthError")).toMatchObject({ baseVersion: 0, authUpdateAttempted: true });
    await client.closed;
  });
});

test("a client that stops reading is sent the newest state when it reads again, not every state between", async () => {
  const client = await connected();
  const other = await connected();
  client.watch(0, ["a:list"]);
  other.watch(0, ["a:count"]);
  await Promise.all([client.next("Transition"), other.next("Transition")]);
  client.pauseReading();
  const large = "x".repeat(4 * 1024 * 1024);
  for (let count = 1; count <= 12; count++) {
    engine.append("a", large);
    await other.next("Transition");
  }
  const before = engine.runs.filter((path) => path === "a:list").length;
  client.resumeReading();
  let length = 0;
  let transitions = 0;
  while (length < 12) {
    const transition = await client.next("Transition");
    transitions++;
    length = (modifications(transition)[0]!.value as string[]).length;
  }
  expect(before).toBeLessThan(6);
  expect(transitions).toBeLessThan(6);
});
