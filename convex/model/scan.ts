/** One step of a run's comparison: a page of the bucket against the records of the same stretch of keys. Reads only. */
import { isKeptLocally, isStored, judgeObject, lostRecord } from "./comparison.ts";
import type { ComparedRecord, Finding } from "./comparison.ts";
import type { ListedObject, ObjectStore } from "./objectStore.ts";
import type { KeyStretch, Progress, RunContext } from "./reconcileSteps.ts";

export interface ScanStep extends Progress {
  /** Where the next step goes on; null: the whole prefix was compared. */
  next: string | null;
}

type ReadRecords = (stretch: KeyStretch) => Promise<{ records: ComparedRecord[]; upTo: string }>;

/** HEADs in flight at once, to prove that objects are missing. */
const CONCURRENT_HEADS = 16;

export async function scanStep(
  store: ObjectStore,
  run: RunContext,
  bucket: string,
  after: string,
  readRecords: ReadRecords,
): Promise<ScanStep> {
  const page = await store.list(run.prefix, after);
  const pageEnd = page.objects.at(-1)?.s3Key;
  const wanted = page.isLast || pageEnd === undefined ? endOf(run.prefix) : pageEnd;
  const { records, upTo } = await readRecords({ after, upTo: wanted });
  const objects = page.objects.filter(({ s3Key }) => compareKeys(s3Key, upTo) <= 0);
  const ours = records.filter((record) => !isKeptLocally(record) && record.bucket === bucket);
  const local = records.filter(isKeptLocally);

  const recordsByKey = groupByKey([...ours, ...local]);
  const youngerThan = Date.now() - run.graceMs;
  const findings = objects.flatMap((object) =>
    judgeObject(object, recordsByKey.get(object.s3Key) ?? [], youngerThan),
  );
  const listed = new Set(objects.map(({ s3Key }) => s3Key));
  const unlisted = ours.filter(
    // What was committed after the run began may be newer than the listing.
    (record) => isStored(record) && !listed.has(record.s3Key) && (record.uploadedAt ?? 0) <= run.startedAt,
  );
  findings.push(...(await proveLost(store, unlisted)));
  return {
    objectsSeen: objects.length,
    youngObjects: objects.filter(({ lastModified }) => lastModified > youngerThan).length,
    recordsSeen: ours.filter(isStored).length,
    localRecords: local.filter(isStored).length,
    findings,
    next: upTo === endOf(run.prefix) ? null : upTo,
  };
}

/** A key missing from a listing proves nothing; only the store's own "not found" does. */
async function proveLost(store: ObjectStore, records: readonly ComparedRecord[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (let from = 0; from < records.length; from += CONCURRENT_HEADS) {
    const batch = records.slice(from, from + CONCURRENT_HEADS);
    const objects = await Promise.all(batch.map((record) => store.head(record.s3Key)));
    batch.forEach((record, at) => {
      const object: ListedObject | null = objects[at] ?? null;
      if (object === null) findings.push(lostRecord(record));
    });
  }
  return findings;
}

function groupByKey(records: readonly ComparedRecord[]): Map<string, ComparedRecord[]> {
  const groups = new Map<string, ComparedRecord[]>();
  for (const record of records) groups.set(record.s3Key, [...(groups.get(record.s3Key) ?? []), record]);
  return groups;
}

/** The first key that is not under the prefix any more: "0" follows "/", in which every prefix ends. */
function endOf(prefix: string): string {
  return `${prefix.slice(0, -1)}0`;
}

function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
