import { describe, expect, test } from "vitest";
import { MINUTE, SECOND } from "../../contract/limits.ts";
import {
  isQuiet,
  percentText,
  recentOutcomes,
  severityOf,
  stateOf,
  type Agent,
} from "../../web/src/admin/agent-health.ts";

const NOW = 1_800_000_000_000;

function agent(over: Partial<Agent> = {}): Agent {
  return {
    agentHealthId: "1" as Agent["agentHealthId"],
    agent: "render-01",
    keyName: "renderer",
    version: "0.1.0",
    breakers: { s3: "closed", convex: "closed" },
    queueDepth: 0,
    outcomes: [],
    firstReportedAt: NOW - MINUTE,
    reportedAt: NOW,
    ...over,
  };
}

const late = NOW - 91 * SECOND;

describe("an agent in one word", () => {
  test.each<[string, Partial<Agent>]>([
    ["At rest", {}],
    ["At work", { queueDepth: 2 }],
    ["Holding uploads", { queueDepth: 2, journal: { depth: 1 } }],
    ["Recovering", { breakers: { s3: "halfOpen", convex: "closed" }, journal: { depth: 1 } }],
    ["Outage", { breakers: { s3: "halfOpen", convex: "open" } }],
    ["At rest", { reportedAt: late }],
    ["Silent with work left", { reportedAt: late, queueDepth: 1 }],
    ["Silent with work left", { reportedAt: late, journal: { depth: 1 } }],
  ])("%s", (label, over) => {
    expect(stateOf(agent(over), NOW).label).toBe(label);
  });

  test("it is quiet after the time of three reports, not before", () => {
    expect(isQuiet(agent({ reportedAt: NOW - 90 * SECOND }), NOW)).toBe(false);
    expect(isQuiet(agent({ reportedAt: late }), NOW)).toBe(true);
  });
});

describe("how its uploads ended", () => {
  test("counts the last five minutes of all agents, and nothing older", () => {
    const one = agent({ outcomes: [{ at: NOW - 5 * MINUTE, uploads: 9, errors: 9 }] });
    const two = agent({
      outcomes: [
        { at: NOW - 5 * MINUTE + 1, uploads: 10, errors: 1 },
        { at: NOW, uploads: 30, errors: 1 },
      ],
    });
    expect(recentOutcomes([one, two], NOW)).toEqual({ uploads: 40, errors: 2 });
  });

  test("is a share, and says whether it is more than a rollback takes", () => {
    expect(percentText({ uploads: 0, errors: 0 })).toBe("–");
    expect(percentText({ uploads: 1000, errors: 51 })).toBe("5.1%");
    expect(severityOf({ uploads: 10, errors: 0 })).toBeUndefined();
    expect(severityOf({ uploads: 100, errors: 5 })).toBe("some");
    expect(severityOf({ uploads: 1000, errors: 51 })).toBe("many");
  });
});
