/** `reelsync migrate`: stored versions from the folder into the bucket or back, record by record. */
import pMap from "p-map";
import { api } from "../../../../convex/_generated/api.js";
import { isReelsyncError } from "../../errors.ts";
import type { StorageType } from "../../storage/storage-backend.ts";
import { connect, pages, type Connection } from "../connection.ts";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { commonExitCode, EXIT, exitCodeOf, UsageError, type ExitCode } from "../exit-code.ts";
import { describe } from "../output.ts";
import { plural, size } from "../quantities.ts";

type Page = Awaited<ReturnType<typeof pageOf>>["page"];
type Listed = Page[number];

const CONCURRENT_RECORDS = 4;
const STATES = ["ready", "superseded"] as const;

export const migrate = defineCommand({
  path: ["migrate"],
  summary: "Move stored versions between the bucket and the folder of STORAGE_TYPE=LOCAL",
  details:
    "Says how much there is to move; with --yes, or a yes at the terminal, each object is copied, read back and compared by hash and size, and only then its " +
    "record says the new place. Killed anywhere, the same command goes on. Sources stay unless --delete-source says otherwise: a file is deleted once no record " +
    "needs it, an object of the bucket goes to quarantine. Runs where the folder is. Agents may upload meanwhile; their new files are moved by the next run.",
  args: {},
  options: {
    from: { kind: "text", required: true, choices: ["local", "s3"], summary: "Where the bytes are now" },
    to: { kind: "text", required: true, choices: ["local", "s3"], summary: "Where they shall be" },
    "delete-source": { kind: "flag", summary: "Remove what was moved from where it was" },
    yes: {
      kind: "flag",
      summary: "Move without asking; without it nobody is asked in a script, and nothing is moved",
    },
    tenant: { kind: "text", placeholder: "ID", summary: "Which tenant, for a person who is in several" },
  },
  examples: [
    { does: "how much a move would be", line: "reelsync migrate --from local --to s3" },
    {
      does: "move everything and free the disk",
      line: "reelsync migrate --from local --to s3 --delete-source --yes",
    },
  ],
  async run({ options: { from, to, tenant, yes, ...options } }, context) {
    if (from === to) throw new UsageError(`--from and --to are both ${from}`, "Name two storages.");
    const connection = connect(context);
    try {
      const list = () => records(connection, from, tenant);
      const plan = await measure(list(), context);
      const what = `${plural(plan.records, "version")}, ${size(plan.bytes)}, from ${from} to ${to}`;
      if (plan.records === 0) {
        context.output.give({ plan: { from, to, ...plan } }, `nothing to move from ${from}`);
        return EXIT.ok;
      }
      if (!yes && !context.canAsk) {
        context.output.give({ plan: { from, to, ...plan } }, `would move ${what}`);
        context.output.say("Nothing was moved. Say --yes to move them.");
        return EXIT.ok;
      }
      if (!(await context.confirm(`Move ${what}?`, yes))) return EXIT.declined;
      return await moveAll(
        connection,
        list(),
        plan,
        { from, to, deleteSource: options["delete-source"] },
        context,
      );
    } finally {
      context.output.liveTalk.draw([]);
      connection.close();
    }
  },
});

interface Plan {
  records: number;
  bytes: number;
}

async function measure(list: AsyncIterable<Listed>, { output }: Context): Promise<Plan> {
  const plan = { records: 0, bytes: 0 };
  for await (const record of list) {
    plan.records += 1;
    plan.bytes += record.size;
    if (plan.records % 100 === 0) output.liveTalk.draw([`${plural(plan.records, "version")} found`]);
  }
  output.liveTalk.draw([]);
  return plan;
}

async function moveAll(
  connection: Connection,
  list: AsyncIterable<Listed>,
  plan: Plan,
  { from, to, deleteSource }: { from: StorageType; to: StorageType; deleteSource: boolean },
  context: Context,
): Promise<ExitCode> {
  const { output, signal } = context;
  // Loaded by what moves bytes alone: the AWS SDK takes longer to load than help takes to show.
  const [{ openBothStorages }, { migrateRecord }] = await Promise.all([
    import("../both-storages.ts"),
    import("../../storage/migrate-record.ts"),
  ]);
  const storages = openBothStorages(context);
  const count = { moved: 0, skipped: 0, failed: 0, bytes: 0 };
  const codes: ExitCode[] = [];
  const show = () =>
    output.liveTalk.draw([
      `${count.moved + count.skipped + count.failed} of ${plural(plan.records, "version")}, ` +
        `${size(count.bytes)} of ${size(plan.bytes)}`,
    ]);
  const parts = {
    from: storages[from],
    to: storages[to],
    deleteSource,
    timeoutMs: storages.timeoutMs,
    prepare: (assetId: string) => connection.run("mutation", api.storage.prepareMove, { assetId, to }),
    flip: (moved: Parameters<Parameters<typeof migrateRecord>[0]["flip"]>[0]) =>
      connection.run("mutation", api.storage.move, { ...moved, to }),
    onBytes(bytes: number) {
      count.bytes += bytes;
      show();
    },
  };

  const removed = from === "s3" ? ", its object goes to quarantine" : ", its file is removed";

  async function move(record: Listed): Promise<void> {
    if (signal.aborted) return;
    try {
      const outcome = await migrateRecord(parts, record, signal);
      count[outcome.state] += 1;
      const note = outcome.state === "skipped" ? `: ${outcome.why}` : outcome.sourceDeleted ? removed : "";
      output.give({ ...record, ...outcome }, `${outcome.state} ${record.s3Key}${note}`);
    } catch (error) {
      if (exitCodeOf(error) === EXIT.interrupted) return;
      count.failed += 1;
      codes.push(exitCodeOf(error));
      const { code, message } = describe(error);
      output.give(
        { ...record, state: "failed", error: { code, message } },
        `failed ${record.s3Key}: ${code}`,
      );
      output.say(message);
      // Nothing after it would fare better.
      if (isReelsyncError(error) && error.code === "BUCKET_MISMATCH") throw error;
    }
    show();
  }

  try {
    show();
    await pMap(list, move, { concurrency: CONCURRENT_RECORDS });
  } finally {
    storages.close();
  }
  output.liveTalk.draw([]);
  if (output.json) output.give({ summary: { from, to, ...count } }, "");
  output.say(`${count.moved} moved, ${count.skipped} skipped, ${count.failed} failed`);
  if (signal.aborted) return EXIT.interrupted;
  return codes.length > 0 ? commonExitCode(codes) : EXIT.ok;
}

async function* records(connection: Connection, from: StorageType, tenant: string | undefined) {
  for (const status of STATES) {
    yield* pages<Listed>((paginationOpts) => pageOf(connection, { from, status, tenant, paginationOpts }));
  }
}

function pageOf(
  connection: Connection,
  of: {
    from: StorageType;
    status: (typeof STATES)[number];
    tenant: string | undefined;
    paginationOpts: { cursor: string | null; numItems: number };
  },
) {
  return connection.run("query", api.storage.records, {
    storageBackend: of.from,
    status: of.status,
    paginationOpts: of.paginationOpts,
    ...(of.tenant !== undefined && { tenantId: of.tenant }),
  });
}
