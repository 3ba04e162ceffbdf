import { describe, expect, onTestFinished, test } from "vitest";
import { openScripted } from "./open-session.ts";
import { modifications, RawClient, tsOf, versions } from "./raw-client.ts";
import { gate } from "./scripted-engine.ts";

describe("mutations", () => {
  test("the response goes out before the Transition that shows the mutation", async () => {
    const { engine, connected } = await openScripted();
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
    const { engine, connected } = await openScripted();
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
    const { connected } = await openScripted();
    const client = await connected();
    client.mutate(0, "a:send");
    const response = await client.next("MutationResponse");
    const transition = await client.next("Transition");
    expect(tsOf(versions(transition).end.ts)).toBeGreaterThanOrEqual(tsOf(response.ts));
  });

  test("a failed mutation has no timestamp, carries its data and moves nothing", async () => {
    const { connected } = await openScripted();
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
    const { engine, connected } = await openScripted();
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
    const { engine, connected } = await openScripted();
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
    const { engine, url, connected } = await openScripted();
    const before = await connected();
    before.mutate(0, "a:send");
    const first = await before.next("MutationResponse");
    const observed = versions(await before.next("Transition")).end.ts;
    before.close();

    const after = await RawClient.open(url);
    onTestFinished(() => after.close());
    after.sessionId = before.sessionId;
    after.connect({ connectionCount: 1, maxObservedTimestamp: observed });
    after.mutate(0, "a:send");
    expect(await after.next("MutationResponse")).toEqual(first);
    const transition = await after.next("Transition");
    expect(tsOf(versions(transition).end.ts)).toBeGreaterThanOrEqual(tsOf(observed));
    expect(engine.lists.get("a")).toHaveLength(1);
  });

  test("[G3] mutations that wait when the socket closes do not run: the client sends them again", async () => {
    const { engine, connected } = await openScripted();
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
