/** What is really there after a schedule, read past the SDK: a listing of the bucket, the bytes of its objects, the tables, the folder of letters. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { GetObjectCommand, ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import type { Doc, TableNames } from "../../convex/_generated/dataModel";
import { sha256Of } from "./content.ts";
import { filesUnder } from "./journal-damage.ts";

export interface StoredBytes {
  key: string;
  size: number;
  sha256: string;
}

export interface Observation {
  objects: StoredBytes[];
  assets: Doc<"assets">[];
  calls: Doc<"uploadCalls">[];
  letters: Doc<"deadLetters">[];
  sessions: Doc<"sessions">[];
  scenes: Doc<"scenes">[];
  usedBytes: number;
  /** Uploads whose letter waits on the agent's disk. */
  spooled: { uploadId: string; hasBytes: boolean }[];
  /** What the journal's folder holds: files of uploads that wait, and uploads it set aside. */
  journal: { waiting: string[]; quarantined: string[] };
}

export interface Observed {
  s3: S3Client;
  bucket: string;
  runAsOperator: (path: string, args: Record<string, unknown>) => Promise<unknown>;
  tenantId: string;
  keyPrefix: string;
  /** Nothing of the tenant is older. */
  startedAt: number;
  spoolDir: string;
  journalDir: string;
}

export async function observe(observed: Observed): Promise<Observation> {
  const read = <Table extends TableNames>(table: Table) => readTable(observed, table);
  const [objects, assets, calls, letters, sessions, scenes, usage] = await Promise.all([
    readBucket(observed),
    read("assets"),
    read("uploadCalls"),
    read("deadLetters"),
    read("sessions"),
    read("scenes"),
    read("usage"),
  ]);
  const usedBytes = usage.reduce((sum, row) => sum + row.usedBytes, 0);
  return {
    objects,
    assets,
    calls,
    letters,
    sessions,
    scenes,
    usedBytes,
    spooled: readSpool(observed.spoolDir),
    journal: readJournal(observed.journalDir),
  };
}

async function readBucket({ s3, bucket, keyPrefix }: Observed): Promise<StoredBytes[]> {
  const listing = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: keyPrefix }));
  if (listing.IsTruncated === true) throw new Error("a schedule left more than 1,000 objects");
  return Promise.all(
    (listing.Contents ?? []).map(async ({ Key: key = "", Size: size = 0 }) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
      return { key, size, sha256: sha256Of(bytes) };
    }),
  );
}

interface Page {
  page: { _creationTime: number; tenantId?: string }[];
  isDone: boolean;
  continueCursor: string;
}

const PAGE_SIZE = 100;

/** Newest first, back to when the schedule began: what earlier ones left is not read again each time. */
async function readTable<Table extends TableNames>(
  { runAsOperator, tenantId, startedAt }: Observed,
  table: Table,
): Promise<Doc<Table>[]> {
  const rows: Page["page"] = [];
  for (let cursor: string | null = null; ;) {
    const { page, isDone, continueCursor } = (await runAsOperator("_system/cli/tableData:default", {
      table,
      order: "desc",
      paginationOpts: { cursor, numItems: PAGE_SIZE },
    })) as Page;
    rows.push(...page.filter((row) => row.tenantId === tenantId));
    if (isDone || page.some(({ _creationTime }) => _creationTime < startedAt)) break;
    cursor = continueCursor;
  }
  return rows.reverse() as unknown as Doc<Table>[];
}

function readSpool(folder: string): Observation["spooled"] {
  return entriesOf(folder).flatMap((uploadId) => {
    const files = entriesOf(join(folder, uploadId));
    if (!files.includes("letter.json")) return [];
    JSON.parse(readFileSync(join(folder, uploadId, "letter.json"), "utf8"));
    return [{ uploadId, hasBytes: files.includes("bytes") }];
  });
}

function readJournal(folder: string): Observation["journal"] {
  const files = filesUnder(folder);
  const isAside = (path: string) => path.startsWith("quarantine/");
  return {
    // A process killed while it made its folder leaves a draft of it, which others remove once it is old.
    waiting: files.filter((path) => !isAside(path) && !/^[^/]+\.draft\//.test(path)),
    quarantined: files.filter(isAside).flatMap((path) => path.split("/")[1] ?? []),
  };
}

/** A folder that cannot be read holds nothing. */
function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
