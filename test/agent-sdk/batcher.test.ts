import { expect, test } from "vitest";
import { MAX_BATCH_ITEMS, MIB } from "../../contract/limits.ts";
import { openCall, type Call } from "../../agent-sdk/src/call.ts";
import { createBatcher, type Settled } from "../../agent-sdk/src/convex/batcher.ts";
import { ReelsyncError } from "../../agent-sdk/src/errors.ts";

/** Exchanges that are answered when the test says so. */
function wire(options: { patienceMs?: number } = {}) {
  const sent: {
    items: string[];
    call: Call;
    answer: (of?: (item: string) => Settled<string>) => void;
    fail: (error: ReelsyncError) => void;
  }[] = [];
  const exchange = (items: string[], call: Call) =>
    new Promise<Settled<string>[]>((resolve, reject) => {
      sent.push({
        items,
        call,
        answer: (of = (item) => ({ ok: true, answer: `did ${item}` })) => resolve(items.map(of)),
        fail: reject,
      });
    });
  const say = createBatcher<string, string>({
    async alone(item, call) {
      const [outcome] = await exchange([item], call);
      if (!outcome!.ok) throw outcome!.error;
      return outcome!.answer;
    },
    together: exchange,
    ...options,
  });
  return { sent, say };
}

const call = (options: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
  openCall({ timeoutMs: 60_000, ...options });
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "none",
    (error: unknown) => (error as ReelsyncError).code,
  );
/** Lets everything that is settled by now be acted upon. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("the first call goes at once and alone, what comes meanwhile goes together, in order", async () => {
  const { sent, say } = wire();
  const answers = ["a", "b", "c"].map((item) => say(item, call()));
  expect(sent.map(({ items }) => items)).toEqual([["a"]]);
  sent[0]!.answer();
  await turn();
  expect(sent.map(({ items }) => items)).toEqual([["a"], ["b", "c"]]);
  sent[1]!.answer();
  expect(await Promise.all(answers)).toEqual(["did a", "did b", "did c"]);
  void say("later", call());
  expect(sent.at(-1)?.items).toEqual(["later"]);
});

test("a batch holds as many items, and as many bytes, as one call may", async () => {
  const { sent, say } = wire();
  void say("first", call());
  for (let item = 0; item < MAX_BATCH_ITEMS + 5; item += 1) void say(`${item}`, call());
  sent[0]!.answer();
  await turn();
  expect(sent[1]?.items).toHaveLength(MAX_BATCH_ITEMS);
  for (let item = 0; item < 3; item += 1) void say("x".repeat(MIB / 2), call());
  sent[1]!.answer();
  await turn();
  expect(sent[2]?.items.map((item) => item.length)).toEqual([3, 3, 3, 3, 3, MIB / 2]);
  sent[2]!.answer();
  await turn();
  expect(sent[3]?.items).toHaveLength(1);
});

test("[G7] each item gets its own answer or refusal", async () => {
  const { sent, say } = wire();
  void say("first", call());
  const good = say("good", call());
  const bad = codeOf(say("bad", call()));
  sent[0]!.answer();
  await turn();
  sent[1]!.answer((item) =>
    item === "bad"
      ? { ok: false, error: new ReelsyncError("SCENE_NOT_FOUND", "No such scene") }
      : { ok: true, answer: item },
  );
  expect(await good).toBe("good");
  expect(await bad).toBe("SCENE_NOT_FOUND");
});

test("[G3] a batch whose outcome is unknown is unknown to each of its items, and its retries count for each", async () => {
  const { sent, say } = wire();
  void say("first", call());
  const calls = [call(), call()];
  const codes = calls.map((one, index) => codeOf(say(`${index}`, one)));
  sent[0]!.answer();
  await turn();
  sent[1]!.call.retries += 2;
  sent[1]!.fail(new ReelsyncError("CONVEX_UNAVAILABLE", "Gone"));
  expect(await Promise.all(codes)).toEqual(["CONVEX_UNAVAILABLE", "CONVEX_UNAVAILABLE"]);
  expect(calls.map(({ retries }) => retries)).toEqual([2, 2]);
});

test("a deployment that cannot take a batch is sent its items one by one", async () => {
  const { sent, say } = wire();
  void say("first", call());
  const answers = Promise.all(["a", "b"].map((item) => say(item, call())));
  sent[0]!.answer();
  await turn();
  sent[1]!.fail(new ReelsyncError("CONVEX_FAILED", "Could not find public function"));
  await turn();
  expect(sent.slice(2).map(({ items }) => items)).toEqual([["a"], ["b"]]);
  for (const { answer } of sent.slice(2)) answer();
  expect(await answers).toEqual(["did a", "did b"]);
});

test("an item that is cancelled or out of time leaves at once; the others are not disturbed", async () => {
  const { sent, say } = wire();
  void say("first", call());
  const cancel = new AbortController();
  const cancelled = codeOf(say("cancelled in the line", call({ signal: cancel.signal })));
  const late = codeOf(say("late", call({ timeoutMs: 30 })));
  const stays = say("stays", call());
  cancel.abort();
  expect(await cancelled).toBe("ABORTED");
  sent[0]!.answer();
  await turn();
  expect(sent[1]?.items).toEqual(["late", "stays"]);
  expect(await late).toBe("DEADLINE_EXCEEDED");
  expect(sent[1]!.call.signal.aborted).toBe(false);
  expect(sent[1]!.call.remainingMs()).toBeGreaterThan(30_000);
  sent[1]!.answer();
  expect(await stays).toBe("did stays");
  expect(await codeOf(say("too late", call({ signal: cancel.signal })))).toBe("ABORTED");
});

test("a batch nobody waits for any more is called off", async () => {
  const { sent, say } = wire();
  void say("first", call());
  const cancel = new AbortController();
  const codes = [1, 2].map((item) => codeOf(say(`${item}`, call({ signal: cancel.signal }))));
  sent[0]!.answer();
  await turn();
  cancel.abort();
  expect(await Promise.all(codes)).toEqual(["ABORTED", "ABORTED"]);
  expect(sent[1]!.call.signal.aborted).toBe(true);
});

test("a request that hangs holds the others up for a moment only", async () => {
  const { sent, say } = wire({ patienceMs: 20 });
  void say("hangs", call());
  const next = say("next", call());
  const deadline = performance.now() + 5000;
  while (sent.length < 2 && performance.now() < deadline) await turn();
  expect(sent[1]?.items).toEqual(["next"]);
  sent[1]!.answer();
  expect(await next).toBe("did next");
});
