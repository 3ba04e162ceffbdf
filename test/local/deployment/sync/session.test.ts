import { describe, expect, test } from "vitest";
import { RequestError } from "../../../../local/deployment/engine.ts";
import { ADMIN_KEY, openScripted } from "./open-session.ts";
import { modifications, RawClient, tsOf, versions } from "./raw-client.ts";

describe("versions", () => {
  test("the first Transition starts at zero and every other where the last ended", async () => {
    const { engine, connected } = await openScripted();
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
    const { connected } = await openScripted();
    const client = await connected();
    client.send({ type: "ModifyQuerySet", baseVersion: 0, newVersion: 7, modifications: [] });
    const transition = await client.next("Transition");
    expect(versions(transition).end.querySet).toBe(7);
    expect(modifications(transition)).toEqual([]);
  });

  test("an Authenticate without queries is answered by a Transition that reaches it", async () => {
    const { connected } = await openScripted();
    const client = await connected();
    client.send({ type: "Authenticate", tokenType: "Admin", value: ADMIN_KEY, baseVersion: 0 });
    expect(versions(await client.next("Transition")).end.identity).toBe(1);
  });

  test.each([
    ["querySet", { type: "ModifyQuerySet", baseVersion: 3, newVersion: 4, modifications: [] }],
    ["identity", { type: "Authenticate", tokenType: "None", baseVersion: 1 }],
  ])("a wrong base version of the %s is fatal", async (member, frame) => {
    const { connected } = await openScripted();
    const client = await connected();
    client.send(frame);
    const fatal = await client.next("FatalError");
    expect(fatal.error).toMatch(/^BaseVersionMismatch/);
    expect(fatal.error).toContain(member);
    expect((await client.closed).code).toBe(1008);
  });

  test("removing a query yields QueryRemoved and frees its watch", async () => {
    const { engine, connected } = await openScripted();
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
    const { connected } = await openScripted();
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
    const { connected } = await openScripted();
    const client = await connected();
    client.sendText("{not json");
    expect(await client.closed).toMatchObject({
      code: 1008,
      reason: expect.stringContaining("JSON") as string,
    });
  });

  test("anything before Connect closes the socket", async () => {
    const { engine, url } = await openScripted();
    const client = await RawClient.open(url);
    client.mutate(0, "a:send");
    expect((await client.closed).reason).toContain("Connect");
    expect(engine.mutationsRun).toEqual([]);
  });

  test("a client that has seen a later state than there is is sent away", async () => {
    const { url } = await openScripted();
    const client = await RawClient.open(url);
    client.connect({ maxObservedTimestamp: Buffer.alloc(8, 0x7f).toString("base64") });
    expect((await client.closed).reason).toContain("later state");
  });

  test("old clients' path without a version is served, any other is not", async () => {
    const { url } = await openScripted();
    const client = await RawClient.open(url, "/api/sync");
    client.connect();
    client.watch(0, []);
    await client.next("Transition");
    client.close();
    await expect(RawClient.open(url, "/api/elsewhere")).rejects.toThrow("404");
  });

  test("a system error while running queries closes the socket with a reason the client retries on", async () => {
    const { engine, connected } = await openScripted();
    const client = await connected();
    engine.failQueriesWith = new Error("disk gone");
    client.watch(0, ["a:list"]);
    expect(await client.closed).toEqual({ code: 1011, reason: "InternalServerError: disk gone" });
  });

  test("a query the deployment refuses fails alone", async () => {
    const { engine, connected } = await openScripted();
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

describe("identity", () => {
  test("an identity change runs every query again and sends what differs", async () => {
    const { connected } = await openScripted();
    const client = await connected();
    client.watch(0, ["a:me", "a:count"]);
    await client.next("Transition");
    client.send({ type: "Authenticate", tokenType: "Admin", value: ADMIN_KEY, baseVersion: 0 });
    const transition = await client.next("Transition");
    expect(versions(transition).end.identity).toBe(1);
    expect(modifications(transition)).toMatchObject([{ queryId: 0, value: "admin" }]);
  });

  test("a bad admin key is an AuthError for the current identity, then the socket closes", async () => {
    const { connected } = await openScripted();
    const client = await connected();
    client.send({ type: "Authenticate", tokenType: "Admin", value: "local|wrong", baseVersion: 0 });
    expect(await client.next("AuthError")).toMatchObject({ baseVersion: 0, authUpdateAttempted: true });
    await client.closed;
  });
});
