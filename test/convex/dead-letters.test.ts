import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { DeadLetter } from "../../contract/dead-letter.ts";
import { api } from "../../convex/_generated/api";
import {
  addTenant,
  beginOpen,
  deployment,
  FIRST_PAGE,
  intentFor,
  publish,
  refusalOf,
  storedAs,
} from "./world.ts";
import type { Deployment, Tenant } from "./world.ts";

let t: Deployment;
let acme: Tenant;

beforeEach(async () => {
  t = deployment();
  acme = await addTenant(t, "acme");
});

function letterFor(over: Partial<DeadLetter> = {}): DeadLetter {
  return {
    intent: intentFor(acme),
    code: "S3_UNAVAILABLE",
    message: "connect ECONNREFUSED",
    step: "upload",
    attempts: 3,
    filePath: "/renders/intro.mp4",
    agent: "renderer-1",
    ...over,
  };
}

async function letters() {
  const { page } = await acme.people.admin.query(api.deadLetters.list, { paginationOpts: FIRST_PAGE });
  return page;
}

const record = (letter: DeadLetter) => acme.agent.mutation(api.deadLetters.record, letter);

describe("recording", () => {
  test("[G3] the same failure recorded ten times is one letter with the most attempts", async () => {
    const letter = letterFor();
    for (let round = 0; round < 10; round += 1) {
      await record({ ...letter, attempts: round === 4 ? 7 : 3 });
    }
    expect(await letters()).toMatchObject([
      { intent: letter.intent, attempts: 7, state: "parked", sceneTitle: "Intro", sessionTitle: "First run" },
    ]);
  });

  test("[G1] a letter whose scene never existed is kept all the same", async () => {
    await record(letterFor({ intent: intentFor(acme, { entityId: "never" }), code: "SCENE_NOT_FOUND" }));
    const [letter] = await letters();
    expect(letter).toMatchObject({ code: "SCENE_NOT_FOUND", state: "parked" });
    expect(letter).not.toHaveProperty("sceneTitle");
  });

  test("the row of the upload says why at once, and its bytes are given back", async () => {
    const letter = letterFor();
    const { assetId } = await beginOpen(acme.agent, letter.intent);
    await record(letter);
    expect(await acme.agent.query(api.assets.get, { assetId })).toMatchObject({
      status: "error",
      errorMessage: letter.message,
    });
    expect(await acme.agent.query(api.scenes.get, { sceneId: acme.sceneId })).toMatchObject({
      assetsStatus: "error",
    });
    expect(await t.run((ctx) => ctx.db.query("usage").take(1))).toMatchObject([{ usedBytes: 0 }]);
  });

  test("a row that another live call still works on is left to it", async () => {
    const letter = letterFor();
    const live = intentFor(acme, { sha256: letter.intent.sha256 });
    const { assetId } = await beginOpen(acme.agent, letter.intent);
    await beginOpen(acme.agent, live);
    await record(letter);
    expect(await acme.agent.query(api.assets.get, { assetId })).toMatchObject({ status: "pending" });
    await acme.agent.mutation(api.assets.commit, { assetId, object: storedAs(live) });
    expect(await letters()).toMatchObject([{ state: "resolved" }]);
  });

  test("[G3] a letter that arrives after its upload was committed is resolved from the start", async () => {
    const letter = letterFor();
    await publish(acme.agent, letter.intent);
    await record(letter);
    expect(await letters()).toMatchObject([{ state: "resolved" }]);
  });
});

describe("replay", () => {
  test("[G1] requested by an admin, taken by the agent that holds the file, resolved by its commit", async () => {
    const letter = letterFor();
    const { deadLetterId } = await record(letter);
    const requests = (agent: string) => acme.agent.query(api.deadLetters.replayRequests, { agent });
    expect(await requests("renderer-1")).toEqual([]);
    await acme.people.admin.mutation(api.deadLetters.requestReplay, { deadLetterId });
    expect(await requests("renderer-2")).toEqual([]);
    expect(await requests("renderer-1")).toMatchObject([{ deadLetterId, intent: letter.intent }]);
    expect(await acme.agent.mutation(api.deadLetters.claim, { deadLetterId })).toMatchObject({
      claimed: true,
    });
    expect(await acme.agent.mutation(api.deadLetters.claim, { deadLetterId })).toMatchObject({
      claimed: false,
    });
    await publish(acme.agent, letter.intent);
    expect(await letters()).toMatchObject([{ state: "resolved" }]);
    // The agent's own word comes later and changes nothing.
    await acme.agent.mutation(api.deadLetters.settle, { deadLetterId, outcome: "resolved" });
    await acme.agent.mutation(api.deadLetters.settle, { deadLetterId, outcome: "parked" });
    expect(await letters()).toMatchObject([{ state: "resolved", attempts: 3 }]);
  });

  test("a replay that fails is parked again with its new cause", async () => {
    const { deadLetterId } = await record(letterFor());
    await acme.agent.mutation(api.deadLetters.claim, { deadLetterId });
    await acme.agent.mutation(api.deadLetters.settle, {
      deadLetterId,
      outcome: "parked",
      code: "FILE_NOT_FOUND",
      message: "gone",
    });
    expect(await letters()).toMatchObject([
      { state: "parked", code: "FILE_NOT_FOUND", message: "gone", attempts: 4 },
    ]);
  });

  test("[G2] resolved is not taken on an agent's word", async () => {
    const { deadLetterId } = await record(letterFor());
    await acme.agent.mutation(api.deadLetters.claim, { deadLetterId });
    const settled = acme.agent.mutation(api.deadLetters.settle, { deadLetterId, outcome: "resolved" });
    expect(await refusalOf(settled)).toMatchObject({ code: "CONFLICT" });
  });

  test("a letter left in replaying by a dead agent can be asked for again", async () => {
    const { deadLetterId } = await record(letterFor());
    await acme.agent.mutation(api.deadLetters.claim, { deadLetterId });
    await acme.people.admin.mutation(api.deadLetters.requestReplay, { deadLetterId });
    expect(await acme.agent.mutation(api.deadLetters.claim, { deadLetterId })).toMatchObject({
      claimed: true,
    });
  });

  test("content that became current by another upload resolves the letter when it is begun", async () => {
    const letter = letterFor();
    await record(letter);
    await publish(acme.agent, intentFor(acme, { sha256: letter.intent.sha256 }));
    const begun = await beginOpen(acme.agent, letter.intent);
    expect(begun).toMatchObject({ status: "ready", deduped: true });
    expect(await letters()).toMatchObject([{ state: "resolved" }]);
  });
});

describe("a replay that is never heard of again", () => {
  const MINUTE = 60_000;
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const claim = (deadLetterId: string, claimId: string) =>
    acme.agent.mutation(api.deadLetters.claim, { deadLetterId, claimId, leaseMs: 10 * MINUTE });
  async function pass(ms: number) {
    vi.advanceTimersByTime(ms);
    await t.finishInProgressScheduledFunctions();
  }

  test.each(["parked", "replay_requested"] as const)(
    "leaves its letter %s again when its lease ends, and not sooner",
    async (before) => {
      const { deadLetterId } = await record(letterFor());
      if (before !== "parked")
        await acme.people.admin.mutation(api.deadLetters.requestReplay, { deadLetterId });
      const until = Date.now() + 10 * MINUTE;
      expect(await claim(deadLetterId, "killed")).toEqual({ claimed: true, until });
      await pass(10 * MINUTE - 1);
      expect(await letters()).toMatchObject([{ state: "replaying", replayingUntil: until }]);
      expect(await claim(deadLetterId, "next")).toEqual({ claimed: false, until });
      await pass(1);
      const [letter] = await letters();
      expect(letter).toMatchObject({ state: before, attempts: 3 });
      expect(letter).not.toHaveProperty("replayingUntil");
      expect(await claim(deadLetterId, "next")).toMatchObject({ claimed: true });
    },
  );

  test("neither its lease nor its late word touches the replay that came after it [G3]", async () => {
    const { deadLetterId } = await record(letterFor());
    await claim(deadLetterId, "killed");
    await pass(5 * MINUTE);
    await acme.people.admin.mutation(api.deadLetters.requestReplay, { deadLetterId });
    expect(await claim(deadLetterId, "next")).toMatchObject({ claimed: true });
    await pass(5 * MINUTE);
    const late = { deadLetterId, claimId: "killed", outcome: "parked" } as const;
    await acme.agent.mutation(api.deadLetters.settle, late);
    expect(await letters()).toMatchObject([{ state: "replaying" }]);
    await acme.agent.mutation(api.deadLetters.settle, { ...late, claimId: "next" });
    expect(await letters()).toMatchObject([{ state: "parked" }]);
  });

  test("a claim whose reply was lost is the same claim when it is said again [G3]", async () => {
    const { deadLetterId } = await record(letterFor());
    const first = await claim(deadLetterId, "one");
    expect(await claim(deadLetterId, "one")).toEqual(first);
  });
});

describe("discarding", () => {
  test("keeps the letter with the reason, is final, and is on record", async () => {
    const letter = letterFor();
    const { deadLetterId } = await record(letter);
    await acme.people.admin.mutation(api.deadLetters.discard, { deadLetterId, reason: "old take" });
    await record(letter);
    expect(await letters()).toMatchObject([{ state: "discarded", reason: "old take" }]);
    const replay = acme.people.admin.mutation(api.deadLetters.requestReplay, { deadLetterId });
    expect(await refusalOf(replay)).toMatchObject({ code: "CONFLICT" });
    expect(await t.run((ctx) => ctx.db.query("auditLog").order("desc").take(1))).toMatchObject([
      { action: "deadLetters.discard", target: deadLetterId, detail: "old take" },
    ]);
  });

  test("lists newest first, or by state", async () => {
    const { deadLetterId } = await record(letterFor());
    const { deadLetterId: newer } = await record(letterFor());
    await acme.people.admin.mutation(api.deadLetters.discard, { deadLetterId, reason: "old take" });
    const { page } = await acme.agent.query(api.deadLetters.list, {
      paginationOpts: FIRST_PAGE,
      state: "discarded",
    });
    expect(page.map((one) => one.deadLetterId)).toEqual([deadLetterId]);
    await acme.people.admin.mutation(api.deadLetters.requestReplay, { deadLetterId: newer });
    expect((await letters()).map((one) => one.deadLetterId)).toEqual([newer, deadLetterId]);
  });

  test("one letter is found by its own id and by that of its upload", async () => {
    const letter = letterFor();
    const { deadLetterId } = await record(letter);
    await record(letterFor());
    for (const id of [deadLetterId, letter.intent.uploadId]) {
      expect(await acme.agent.query(api.deadLetters.get, { id })).toMatchObject({
        deadLetterId,
        intent: letter.intent,
      });
    }
    expect(await acme.people.admin.query(api.deadLetters.get, { id: "no such letter" })).toBeNull();
  });

  test("[G6] a letter of another tenant is answered as one that is unknown", async () => {
    const letter = letterFor();
    const { deadLetterId } = await record(letter);
    const rival = await addTenant(t, "rival");
    for (const id of [deadLetterId, letter.intent.uploadId]) {
      expect(await rival.agent.query(api.deadLetters.get, { id })).toBeNull();
      expect(await rival.people.admin.query(api.deadLetters.get, { id })).toBeNull();
    }
  });
});
