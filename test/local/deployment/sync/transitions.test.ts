import { describe, expect, test } from "vitest";
import { openScripted } from "./open-session.ts";
import { modifications, tsOf, versions } from "./raw-client.ts";
import { gate } from "./scripted-engine.ts";

describe("results", () => {
  test("a new query is answered in the Transition that reaches its version, unchanged ones are left out", async () => {
    const { connected } = await openScripted();
    const client = await connected();
    client.watch(0, ["a:list"]);
    await client.next("Transition");
    client.watch(1, ["b:list"], 1);
    expect(modifications(await client.next("Transition")).map(({ queryId }) => queryId)).toEqual([1]);
  });

  test("a commit that does not change a result sends no Transition, one that does sends it once", async () => {
    const { engine, connected } = await openScripted();
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
    const { engine, connected } = await openScripted();
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
    const { engine, connected } = await openScripted();
    const client = await connected();
    client.watch(0, ["a:page"]);
    expect(modifications(await client.next("Transition"))).toMatchObject([
      { value: "no journal yet", journal: "end" },
    ]);
    engine.append("a", 1);
    expect(modifications(await client.next("Transition"))).toMatchObject([{ value: "end", journal: "end" }]);
  });

  test("a commit after the snapshot of a run does not mix into the run's Transition", async () => {
    const { engine, connected } = await openScripted();
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
    const { engine, connected } = await openScripted();
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
    const { engine, connected } = await openScripted();
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
    const { engine, connected } = await openScripted();
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
    const { engine, connected } = await openScripted();
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
    const { engine, connected } = await openScripted();
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

test("a client that stops reading is sent the newest state when it reads again, not every state between", async () => {
  const { engine, connected } = await openScripted();
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
