import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { ConvexReactClient } from "convex/react";
import { ConvexError } from "convex/values";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Fixture, startFixture } from "./fixture.ts";
import { api, internal, type Message } from "./fixture-app/convex/references.ts";
import { type Line, newLine } from "./observed-socket.ts";
import { Watching } from "./watching.ts";

/** What the paginated subscription hands over; the client does not export its type. */
interface Pages {
  results: Message[];
  status: string;
  loadMore(numItems: number): boolean;
}

let fixture: Fixture;
let http: ConvexHttpClient;
let author: string;
let testNumber = 0;
const cleanUp: (() => unknown)[] = [];

beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.close());

beforeEach(() => {
  // Tests share the deployment; each looks only at what it wrote itself.
  author = `author-${testNumber++}`;
  http = new ConvexHttpClient(fixture.stack.deployment.url, { logger: false });
});
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

function newClient(line: Line = newLine()): ConvexClient {
  const client = new ConvexClient(fixture.stack.deployment.url, {
    webSocketConstructor: line.WebSocket,
    logger: false,
  });
  cleanUp.push(() => client.close());
  return client;
}

function watchBodies(client: ConvexClient): Watching<string[]> {
  const watching = new Watching<string[]>();
  client.onUpdate(api.messages.by, { author }, (messages) =>
    watching.update(messages.map(({ body }) => body)),
  );
  return watching;
}

describe("ConvexHttpClient", () => {
  test("queries, mutates and acts; an action's own mutations and a Node action work", async () => {
    await http.mutation(api.messages.send, { author, body: "one" });
    expect(await http.query(api.messages.by, { author })).toMatchObject([{ author, body: "one" }]);
    const before = (await http.query(api.messages.by, { author })).length;
    await http.action(api.messages.sendTwice, { author, body: "two" });
    expect(await http.query(api.messages.by, { author })).toHaveLength(before + 2);
    expect(await http.action(api.digest.sha256, { text: "abc" })).toMatch(/^ba7816bf8f01cfea/);
  });

  test("a ConvexError arrives with its data, and nothing was written", async () => {
    const refused = http.mutation(api.messages.send, { author, body: "" });
    await expect(refused).rejects.toBeInstanceOf(ConvexError);
    await expect(refused).rejects.toMatchObject({ data: { code: "EMPTY_BODY" } });
    expect(await http.query(api.messages.by, { author })).toEqual([]);
  });

  test("wrong arguments and unknown functions are plain errors that name the fault", async () => {
    await expect(http.mutation(api.messages.send, { author } as never)).rejects.toThrow(/body/);
    await expect(http.query(internal.messages.count as never, {})).rejects.toThrow(
      "Could not find public function for 'messages:count'",
    );
  });

  test("a consistent read sees one timestamp", async () => {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- experimental in the client, and yet in use
    expect(await http.consistentQuery(api.messages.by, { author })).toEqual([]);
  });

  test("a scheduled function runs by itself", async () => {
    const bodies = watchBodies(newClient());
    await http.mutation(api.messages.sendLater, { author, body: "later" });
    await bodies.until((seen) => seen.includes("later"));
  });
});

describe("ConvexClient", () => {
  test("[G4] a commit of one client reaches another's subscription, in order and without polling", async () => {
    const writer = newClient();
    const bodies = watchBodies(newClient());
    await bodies.until((seen) => seen.length === 0);
    for (const body of ["a", "b", "c"]) await writer.mutation(api.messages.send, { author, body });
    await bodies.until((seen) => seen.length === 3);
    for (const [index, seen] of bodies.seen.entries()) {
      expect(seen).toEqual(["a", "b", "c"].slice(0, seen.length));
      if (index > 0) expect(seen.length).toBeGreaterThan(bodies.seen[index - 1]!.length);
    }
  });

  test("a write that a query did not read does not send anything to its watchers", async () => {
    const line = newLine();
    const bodies = watchBodies(newClient(line));
    await bodies.until(() => true);
    const before = line.received.length;
    await http.mutation(api.messages.send, { author: `${author}-other`, body: "unseen" });
    await http.mutation(api.messages.send, { author, body: "seen" });
    await bodies.until((seen) => seen.includes("seen"));
    expect(line.received.slice(before).map(({ type }) => type)).toEqual(["Transition"]);
  });

  test("[G4] subscriptions live on when another query never returns and has to be ended", async () => {
    const bodies = watchBodies(newClient());
    await bodies.until(() => true);
    await expect(http.query(api.viewer.neverReturns, {})).rejects.toThrow("timed out");
    await http.mutation(api.messages.send, { author, body: "after" });
    await bodies.until((seen) => seen.includes("after"));
  });

  test("[G4] the results of one Transition belong to one moment, under concurrent writers", async () => {
    const client = new ConvexReactClient(fixture.stack.deployment.url, {
      webSocketConstructor: newLine().WebSocket,
      unsavedChangesWarning: false,
      logger: false,
    });
    cleanUp.push(() => client.close());
    const mine = client.watchQuery(api.messages.by, { author });
    const all = client.watchQuery(api.messages.list, {});
    const counts = new Watching<{ mine: number; all: number }>();
    const look = () => {
      const both = [mine.localQueryResult(), all.localQueryResult()];
      if (!both[0] || !both[1]) return;
      counts.update({
        mine: both[0].length,
        all: both[1].filter((message) => message.author === author).length,
      });
    };
    mine.onUpdate(look);
    all.onUpdate(look);
    await counts.until(() => true);
    const writers = [0, 1, 2].map(async (writer) => {
      const own = new ConvexHttpClient(fixture.stack.deployment.url, { logger: false });
      for (let n = 0; n < 15; n++) await own.mutation(api.messages.send, { author, body: `${writer}.${n}` });
    });
    await Promise.all(writers);
    await counts.until((seen) => seen.mine === 45 && seen.all === 45);
    for (const seen of counts.seen) expect(seen.mine).toBe(seen.all);
  });

  test("a mutation without any subscription resolves, an action too, a refusal rejects with its data", async () => {
    const client = newClient();
    expect(await client.mutation(api.messages.send, { author, body: "x" })).toMatch(/^[0-9a-z]{31,37}$/);
    expect(await client.action(api.digest.sha256, { text: "" })).toMatch(/^e3b0c442/);
    await expect(client.mutation(api.messages.send, { author, body: "" })).rejects.toMatchObject({
      data: { code: "EMPTY_BODY" },
    });
  });

  test("pages stay gap-free while documents are added, also when more is loaded", async () => {
    for (const body of ["1", "2", "3", "4", "5", "6", "7"]) {
      await http.mutation(api.messages.send, { author, body });
    }
    const pages = new Watching<Pages>();
    const client = newClient();
    client.onPaginatedUpdate_experimental(
      api.messages.page as never,
      {} as never,
      { initialNumItems: 3 },
      (result) => pages.update(result as unknown as Pages),
    );
    const mine = (result: Pages) =>
      result.results.filter((message) => message.author === author).map(({ body }) => body);
    const first = await pages.until(({ status }) => status === "CanLoadMore");
    expect(mine(first)).toEqual(["7", "6", "5"]);
    await http.mutation(api.messages.send, { author, body: "8" });
    const grown = await pages.until((result) => mine(result).length === 4);
    expect(mine(grown)).toEqual(["8", "7", "6", "5"]);
    grown.loadMore(3);
    const more = await pages.until((result) => mine(result).length === 7);
    expect(mine(more)).toEqual(["8", "7", "6", "5", "4", "3", "2"]);
    await http.mutation(api.messages.send, { author, body: "9" });
    expect(mine(await pages.until((result) => mine(result).length === 8))[0]).toBe("9");
  });
});

test("ConvexReactClient: an optimistic update gives way to the server's value without a flicker", async () => {
  const client = new ConvexReactClient(fixture.stack.deployment.url, {
    webSocketConstructor: newLine().WebSocket,
    unsavedChangesWarning: false,
    logger: false,
  });
  cleanUp.push(() => client.close());
  const watch = client.watchQuery(api.messages.by, { author });
  const values = new Watching<string[]>();
  const look = () => {
    const messages = watch.localQueryResult();
    if (messages) values.update(messages.map(({ body, _id }) => `${body}${_id === "" ? "?" : ""}`));
  };
  watch.onUpdate(look);
  await values.until((seen) => seen.length === 0);
  await client.mutation(
    api.messages.send,
    { author, body: "now" },
    {
      optimisticUpdate: (store, { body }) => {
        const known = store.getQuery(api.messages.by, { author }) ?? [];
        store.setQuery(api.messages.by, { author }, [...known, { _id: "", _creationTime: 0, author, body }]);
      },
    },
  );
  await values.until((seen) => seen[0] === "now");
  expect(values.seen).toEqual([[], ["now?"], ["now"]]);
});

describe("an outage of the deployment", () => {
  test("[G4] subscriptions resume after it with what happened meanwhile, and go on", async () => {
    const { deployment } = fixture.stack;
    const line = newLine();
    const bodies = watchBodies(newClient(line));
    await http.mutation(api.messages.send, { author, body: "before" });
    await bodies.until((seen) => seen.includes("before"));
    await deployment.stop();
    await expect(http.query(api.messages.list, {})).rejects.toThrow();
    await deployment.start();
    await http.mutation(api.messages.send, { author, body: "after" });
    await bodies.until((seen) => seen.includes("after"));
    const connects = line.sent.filter(({ type }) => type === "Connect");
    expect(connects.length).toBeGreaterThan(1);
    expect(connects[1]).toMatchObject({ sessionId: connects[0]!.sessionId, connectionCount: 1 });
    expect(connects[1]!.maxObservedTimestamp).not.toBe("AAAAAAAAAAA=");
  });

  test("[G3] a mutation made during it happens once when it ends", async () => {
    const { deployment } = fixture.stack;
    const client = newClient();
    const bodies = watchBodies(client);
    await bodies.until(() => true);
    await deployment.stop();
    const sent = client.mutation(api.messages.send, { author, body: "queued" });
    await deployment.start();
    await sent;
    expect(await http.query(api.messages.by, { author })).toHaveLength(1);
  });

  test("[G3] a mutation that committed but whose answer was lost is not made again, across a restart too", async () => {
    const { deployment } = fixture.stack;
    const line = newLine();
    const client = newClient(line);
    const own = watchBodies(client);
    const others = watchBodies(newClient());
    await Promise.all([own.until(() => true), others.until(() => true)]);
    line.deafen();
    const sent = client.mutation(api.messages.send, { author, body: "once" });
    await others.until((seen) => seen.includes("once"));
    await deployment.stop();
    await deployment.start();
    await sent;
    await own.until((seen) => seen.includes("once"));
    expect(line.sent.filter(({ type }) => type === "Mutation")).toHaveLength(2);
    expect(await http.query(api.messages.by, { author })).toHaveLength(1);
  });

  test("[G3] a line cut after the commit and before the answer changes nothing either", async () => {
    const line = newLine();
    const client = newClient(line);
    const others = watchBodies(newClient());
    await client.mutation(api.messages.send, { author, body: "first" });
    await others.until((seen) => seen.length === 1);
    line.deafen();
    const sent = client.mutation(api.messages.send, { author, body: "second" });
    await others.until((seen) => seen.length === 2);
    line.cut();
    await sent;
    expect(await http.query(api.messages.by, { author })).toHaveLength(2);
  });
});

describe("signing in", () => {
  test("a person of the development issuer is who the functions see, on the socket and over HTTP", async () => {
    const { issuer } = fixture.stack;
    const client = newClient();
    const me = new Watching<Record<string, unknown> | null>();
    client.onUpdate(api.viewer.me, {}, me.update);
    await me.until((value) => value === null);
    const signedIn = new Watching<boolean>();
    client.setAuth(() => issuer.tokenFor("ada"), signedIn.update);
    await signedIn.until(Boolean);
    expect(await me.until((value) => value !== null)).toMatchObject({
      tokenIdentifier: `${issuer.issuer}|ada`,
      name: "Ada Byron",
      email: "ada@example.com",
      emailVerified: true,
    });
    await client.mutation(api.viewer.sendAsMe, { body: "mine" });
    http.setAuth(await issuer.tokenFor("ben"));
    expect(await http.query(api.viewer.me, {})).toMatchObject({ subject: "ben" });
    http.clearAuth();
    await expect(http.mutation(api.viewer.sendAsMe, { body: "x" })).rejects.toMatchObject({
      data: { code: "UNAUTHENTICATED" },
    });
  });

  test("a token that nobody here issued signs nobody in", async () => {
    const client = newClient();
    const signedIn = new Watching<boolean>();
    client.setAuth(
      async () => "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4IiwiaXNzIjoiaHR0cHM6Ly94In0.",
      signedIn.update,
    );
    await signedIn.until((value) => !value);
    expect(await client.query(api.viewer.me, {})).toBeNull();
  });
});

test("HTTP actions answer on the site origin, with the caller's identity when the token is good", async () => {
  const { deployment, issuer } = fixture.stack;
  const created = await fetch(`${deployment.siteUrl}/messages`, {
    method: "POST",
    body: JSON.stringify({ author, body: "by http" }),
  });
  expect(created.status).toBe(201);
  expect(await http.query(api.messages.by, { author })).toMatchObject([{ body: "by http" }]);
  const echo = await fetch(`${deployment.siteUrl}/echo/a/b`, {
    headers: { Authorization: `Bearer ${await issuer.tokenFor("ada")}` },
  });
  expect(await echo.text()).toBe("/echo/a/b");
  expect(echo.headers.get("x-subject")).toBe("ada");
  expect((await fetch(`${deployment.siteUrl}/nothing`)).status).toBe(404);
});

test("a cron with an interval runs at once after the push that brings it", async () => {
  const ticks = new Watching<number>();
  newClient().onUpdate(api.ticks.count, {}, ticks.update);
  await ticks.until((count) => count >= 1);
});
