import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { overLimit } from "../../convex/model/repairLimit.ts";
import { NO_COUNTS } from "../../convex/model/reconcileRuns.ts";
import type { CountsByKind } from "../../convex/model/reconcileRuns.ts";
import { addTenant, deployment, everything, refusalOf } from "./world.ts";
import type { Deployment, Tenant } from "./world.ts";

let t: Deployment;
let acme: Tenant;

beforeEach(async () => {
  // The repairs themselves are scheduled, and wait for a timer nobody advances.
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  t = deployment();
  acme = await addTenant(t, "acme");
});

afterEach(() => void vi.useRealTimers());

const seen = { objectsSeen: 100, recordsSeen: 100 };
const counts = (over: Partial<CountsByKind>): CountsByKind => ({ ...NO_COUNTS, ...over });

describe("[G5] what a run may find before it is stopped", () => {
  test.each([
    { found: 19, compared: 19, stops: false, why: "few, though it is everything" },
    { found: 20, compared: 20, stops: false, why: "few, though it is everything" },
    { found: 21, compared: 21, stops: true, why: "everything" },
    { found: 21, compared: 106, stops: false, why: "below the share" },
    { found: 21, compared: 105, stops: false, why: "at the share" },
    { found: 21, compared: 104, stops: true, why: "above the share" },
    { found: 2_000, compared: 10_000, stops: false, why: "at the share" },
    { found: 2_001, compared: 10_000, stops: true, why: "above the share" },
    { found: 30, compared: 0, stops: true, why: "of nothing" },
  ])("$found of $compared, $why → stops: $stops", ({ found, compared, stops }) => {
    const objects = { ...seen, objectsSeen: compared };
    const records = { ...seen, recordsSeen: compared };
    const over = [
      ...overLimit({ ...objects, findingCounts: counts({ object_without_record: found }) }),
      ...overLimit({ ...records, findingCounts: counts({ record_without_object: found }) }),
      ...overLimit({ ...records, findingCounts: counts({ size_mismatch: found }) }),
    ];
    const expected = ["object_without_record", "record_without_object", "size_mismatch"].map((kind) => ({
      kind,
      found,
      compared,
    }));
    expect(over).toEqual(stops ? expected : []);
  });

  test("objects too young to be judged do not hide the older ones", () => {
    const findingCounts = counts({ object_without_record: 25 });
    expect(overLimit({ ...seen, objectsSeen: 1_000, findingCounts })).toEqual([]);
    expect(overLimit({ ...seen, objectsSeen: 1_000, youngObjects: 970, findingCounts })).toEqual([
      { kind: "object_without_record", found: 25, compared: 30 },
    ]);
  });
});

/** A finished run with one open finding of every kind. */
async function reported(findingCounts: CountsByKind) {
  return t.run(async (ctx) => {
    const { tenantId } = acme;
    const runId = await ctx.db.insert("reconcileRuns", {
      tenantId,
      status: "reported",
      graceMs: 0,
      startedAt: 1,
      progressAt: 1,
      ...seen,
      findingCounts,
      bytes: NO_COUNTS,
    });
    const finding = (kind: keyof CountsByKind, repair: "quarantine_object" | "mark_record") =>
      ctx.db.insert("reconcileFindings", {
        tenantId,
        runId,
        kind,
        repair,
        bucket: "reels",
        s3Key: `t/acme/perm/reels/${kind}`,
        reason: "A reason.",
        state: "open",
      });
    return {
      runId,
      object: await finding("object_without_record", "quarantine_object"),
      record: await finding("record_without_object", "mark_record"),
    };
  });
}

const apply = (runId: Id<"reconcileRuns">, findingIds: Id<"reconcileFindings">[], over?: boolean) =>
  acme.people.admin.mutation(api.reconcile.apply, {
    runId,
    findingIds,
    ...(over !== undefined && { overLimit: over }),
  });

const lastAudit = () => t.run(async (ctx) => (await ctx.db.query("auditLog").order("desc").first())?.detail);

describe("applying where a run found more", () => {
  test("[G5] is refused from the first finding on, with the numbers, what it means and how to go on; nothing changes", async () => {
    const { runId, object } = await reported(counts({ object_without_record: 90 }));
    const before = await everything(t);
    for (const over of [undefined, false]) {
      const refused = await refusalOf(apply(runId, [object], over));
      expect(refused.code).toBe("REPAIR_REFUSED");
      expect(refused.message).toMatch(/^90 of 100 objects have no record: more than 20 % /);
      expect(refused.message).toMatch(/S3_BUCKET.*S3_BASE_PREFIX.*another deployment/);
      expect(refused.message).toMatch(/overLimit \(--over-limit/);
    }
    expect(await everything(t)).toBe(before);
  });

  test("[G5] goes on when an admin says that it is meant, which the audit log keeps", async () => {
    const { runId, object } = await reported(counts({ object_without_record: 90 }));
    expect(await apply(runId, [object], true)).toEqual({ scheduled: 1 });
    expect(await lastAudit()).toBe("1 findings, over the limit: object_without_record 90 of 100");
  });

  test("[G5] is decided kind by kind: the others may be applied meanwhile", async () => {
    const { runId, object, record } = await reported(counts({ record_without_object: 90, size_mismatch: 3 }));
    expect(await refusalOf(apply(runId, [object, record]))).toMatchObject({
      code: "REPAIR_REFUSED",
      message: expect.stringMatching(/^90 of 100 records have no object: /) as string,
    });
    expect(await apply(runId, [object])).toEqual({ scheduled: 1 });
    expect(await lastAudit()).toBe("1 findings");
  });

  test("the report says what would be stopped", async () => {
    const { runId } = await reported(counts({ object_without_record: 90, size_mismatch: 2 }));
    expect(await acme.people.admin.query(api.reconcile.report, { runId })).toMatchObject({
      overLimit: [{ kind: "object_without_record", found: 90, compared: 100 }],
    });
  });
});
