import { describe, expect, test } from "vitest";
import { ReelsyncError } from "../../../agent-sdk/src/errors.ts";
import { createOutcomes } from "../../../agent-sdk/src/rollout/outcomes.ts";
import { agentReportSchema } from "../../../contract/agent-report.ts";
import type { ErrorCode } from "../../../contract/error-code.ts";
import { MINUTE, SECOND } from "../../../contract/limits.ts";

function counting() {
  let time = 1_000_000;
  const outcomes = createOutcomes({ now: () => time });
  return { outcomes, pass: (ms: number) => (time += ms) };
}

const down = new ReelsyncError("S3_UNAVAILABLE", "no answer");

test("uploads are counted by ten seconds, stage and project, as the contract has them", () => {
  const { outcomes, pass } = counting();
  outcomes.published({ stage: "on-write" });
  outcomes.failed({ stage: "on-write" }, down);
  outcomes.published({ stage: "shadow", project: "reels" });
  pass(10 * SECOND);
  outcomes.published({ stage: "on-write" });
  const taken = outcomes.take();
  expect(taken?.buckets).toEqual([
    { agoMs: 10 * SECOND, stage: "on-write", uploads: 2, errors: 1 },
    { agoMs: 10 * SECOND, stage: "shadow", project: "reels", uploads: 1, errors: 0 },
    { agoMs: 0, stage: "on-write", uploads: 1, errors: 0 },
  ]);
  expect(agentReportSchema.shape.outcomes.parse(taken)).toEqual(taken);
});

test("[G3] what a lost report carried goes again as the same report, before what came after it", () => {
  const { outcomes, pass } = counting();
  outcomes.failed({ stage: "on-write" }, down);
  const first = outcomes.take();
  pass(20 * SECOND);
  outcomes.published({ stage: "on-write" });
  const again = outcomes.take();
  expect(again).toMatchObject({
    instance: first?.instance,
    sequence: 1,
    buckets: [{ agoMs: 20 * SECOND, uploads: 1, errors: 1 }],
  });
  expect(again?.buckets).toHaveLength(1);
  outcomes.told(again);
  expect(outcomes.take()).toMatchObject({ sequence: 2, buckets: [{ uploads: 1, errors: 0 }] });
  outcomes.told(outcomes.take());
  expect(outcomes.untold()).toBe(false);
  expect(outcomes.take()).toBeUndefined();
});

test("what nobody could be told for five minutes is forgotten, so nothing grows", () => {
  const { outcomes, pass } = counting();
  for (let span = 0; span < 1000; span++) {
    outcomes.published({ stage: "on-write" });
    pass(10 * SECOND);
  }
  const buckets = outcomes.take()?.buckets ?? [];
  expect(buckets.length).toBeLessThanOrEqual(31);
  expect(Math.max(...buckets.map(({ agoMs }) => agoMs))).toBeLessThanOrEqual(5 * MINUTE + 10 * SECOND);
});

test("what ends because the client is closed is no error", () => {
  const { outcomes } = counting();
  outcomes.close();
  outcomes.failed({ stage: "on-write" }, new ReelsyncError("DEADLINE_EXCEEDED", "closed"));
  expect(outcomes.untold()).toBe(false);
});

describe("an error of the services or of ours counts, bad input does not", () => {
  function isCounted(code: ErrorCode): boolean {
    const { outcomes } = counting();
    outcomes.failed({ stage: "on-write" }, new ReelsyncError(code, "for a test"));
    return outcomes.untold();
  }

  test.each<ErrorCode>([
    "S3_UNAVAILABLE",
    "CONVEX_UNAVAILABLE",
    "CIRCUIT_OPEN",
    "DEADLINE_EXCEEDED",
    "CONFLICT",
    "CONVEX_FAILED",
    "COMMIT_REFUSED",
    "JOURNAL_FULL",
    "S3_CREDENTIALS_INVALID",
    "S3_ACCESS_DENIED",
    "S3_REFUSED",
    "BUCKET_NOT_FOUND",
    "STORAGE_UNCONFIGURED",
  ])("counted: %s", (code) => {
    expect(isCounted(code)).toBe(true);
  });

  test.each<ErrorCode>([
    "INVALID_ARGUMENT",
    "INVALID_ASSET_TYPE",
    "CONTENT_TYPE_FORBIDDEN",
    "SCENE_NOT_FOUND",
    "SESSION_NOT_FOUND",
    "FILE_NOT_FOUND",
    "FILE_EMPTY",
    "FILE_UNREADABLE",
    "FILE_CHANGED",
    "FILE_TOO_LARGE",
    "QUOTA_EXCEEDED",
    "ABORTED",
    "ROLLOUT_OFF",
  ])("not counted: %s", (code) => {
    expect(isCounted(code)).toBe(false);
  });
});
