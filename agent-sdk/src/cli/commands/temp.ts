/** `reelsync temp clean`: temporary objects that are older than anybody needs them. */
import type { CleanedKey } from "../../../../contract/cleanup.ts";
import { HOUR, MAX_BATCH_ITEMS } from "../../../../contract/limits.ts";
import { tenantPrefix } from "../../../../contract/object-key.ts";
import type { Reelsync } from "../../client.ts";
import type { StorageBackend, StoredFile } from "../../storage/storage-backend.ts";
import { withReelsync } from "../agent.ts";
import { columns, plain } from "../columns.ts";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { EXIT, UsageError, type ExitCode } from "../exit-code.ts";
import { date, plural, size } from "../quantities.ts";
import { ownSettings } from "../settings.ts";

/** As a folder of its own, at any depth: `temp/x`, `lesson/partial_movie_files/1.mp4`, never `attempt/x`. */
const TEMPORARY = /(?:^|\/)(?:temp|partial_movie_files)\//;

const isTemporary = (key: string, older: string) => TEMPORARY.test(key) || key.startsWith(older);

export const tempClean = defineCommand({
  path: ["temp", "clean"],
  summary: "List temporary objects that are old, and remove them if told to",
  details:
    "Temporary is what lies in a folder called temp or partial_movie_files, or in the one S3_TEMP_PREFIX names: at the bucket's root, of the tenants given, or " +
    "anywhere under a prefix given. Old is " +
    "older than S3_CLEANUP_TEMP_HOURS (24 unless set). Only lists, unless --apply is given. Each object is asked about at the deployment in the moment it is " +
    "removed: what a current record or an upload under way needs is kept. With --json one document an object: `s3Key`, `size`, `lastModified`, `action` " +
    "(`delete`, `queue` for quarantine, `keep`), `why`, `done`.",
  args: {},
  options: {
    apply: { kind: "flag", summary: "Remove what is listed" },
    yes: { kind: "flag", summary: "Do not ask before removing" },
    "older-than": {
      kind: "count",
      placeholder: "HOURS",
      summary: "Age from which on an object is old; S3_CLEANUP_TEMP_HOURS unless given",
    },
    tenant: { kind: "text", placeholder: "SLUG", many: true, summary: "Also this tenant's temporary folder" },
    prefix: {
      kind: "text",
      placeholder: "PREFIX",
      many: true,
      summary: "Only under this prefix, but at any depth",
    },
  },
  examples: [
    { does: "what would go", line: "reelsync temp clean" },
    { does: "a folder that Manim's output was mirrored to", line: "reelsync temp clean --prefix lessons/" },
    { does: "every night", line: "reelsync temp clean --older-than 48 --apply --yes" },
  ],
  async run({ options }, context) {
    const { output } = context;
    if (options.apply && !options.yes && !context.canAsk) {
      throw new UsageError(
        "--apply removes objects, and nobody can be asked here",
        "Say --yes to go on without asking.",
      );
    }
    const { basePrefix, tempHours, tempFolder } = ownSettings(context.env);
    const before = Date.now() - (options["older-than"] ?? tempHours) * HOUR;
    const isOld = ({ key, lastModified }: StoredFile) =>
      lastModified < before && isTemporary(key, basePrefix + tempFolder);
    const named =
      options.prefix.length > 0
        ? options.prefix
        : [
            ...["temp/", tempFolder, "partial_movie_files/"].map((folder) => basePrefix + folder),
            ...options.tenant.map((tenant) => `${tenantPrefix(basePrefix, tenant)}temp/`),
          ];
    const prefixes = [...new Set(named)];
    return withReelsync(context, async (reelsync) => {
      const old = await oldFiles(reelsync.storage, prefixes, isOld, context.signal);
      if (old.length === 0) {
        const elsewhere =
          options.prefix.length > 0
            ? ""
            : "; --tenant SLUG looks in a tenant's folder too, --prefix PREFIX below any other";
        output.say(`nothing temporary is that old in ${prefixes.map(plain).join(", ")}${elsewhere}`);
        return options.apply ? EXIT.nothingToDo : EXIT.ok;
      }
      if (!options.apply || !options.yes) await go(reelsync, old, true, context);
      if (!options.apply) {
        output.say("nothing was removed: --apply does it");
        return EXIT.ok;
      }
      if (!(await context.confirm(`Remove ${plural(old.length, "object")}?`, options.yes))) {
        return EXIT.declined;
      }
      return go(reelsync, old, false, context);
    });
  },
});

async function oldFiles(
  storage: StorageBackend,
  prefixes: readonly string[],
  isOld: (file: StoredFile) => boolean,
  signal: AbortSignal,
): Promise<StoredFile[]> {
  const found = new Map<string, StoredFile>();
  for (const prefix of prefixes) {
    for await (const file of storage.listFiles(prefix, { signal })) {
      if (isOld(file)) found.set(file.key, file);
    }
  }
  return [...found.values()];
}

const ACTIONS: Record<CleanedKey["outcome"], "delete" | "queue" | "keep"> = {
  queued: "queue",
  unrecorded: "delete",
  refused: "keep",
  unknown: "keep",
  gone: "keep",
};

async function go(
  reelsync: Reelsync<"strict">,
  old: readonly StoredFile[],
  dryRun: boolean,
  { output, signal }: Context,
): Promise<ExitCode> {
  const bytes = { delete: 0, queue: 0, keep: 0 };
  for (let at = 0; at < old.length; at += MAX_BATCH_ITEMS) {
    const files = old.slice(at, at + MAX_BATCH_ITEMS);
    const keys = files.map(({ key }) => key);
    const judged = await reelsync.cleanupWithConvexSync(keys, { dryRun, signal });
    const rows: string[][] = [];
    const records: object[] = [];
    for (const [index, file] of files.entries()) {
      const { outcome = "unknown", why = REASONS[judged[index]?.outcome ?? "unknown"] } = judged[index] ?? {};
      const action = ACTIONS[outcome];
      if (action === "delete" && !dryRun) await reelsync.storage.delete(file.key, { signal });
      bytes[action] += file.size;
      const { key: s3Key, lastModified } = file;
      records.push({ s3Key, size: file.size, lastModified, action, why, done: !dryRun && action !== "keep" });
      rows.push([
        action,
        size(file.size),
        date(lastModified),
        plain(s3Key),
        why === undefined ? "" : `(${why})`,
      ]);
    }
    const lines = columns(rows);
    records.forEach((record, index) => output.give(record, lines[index] ?? ""));
  }
  const verb = dryRun ? "to delete" : "deleted";
  output.say(`${size(bytes.delete)} ${verb}, ${size(bytes.queue)} for quarantine, ${size(bytes.keep)} kept`);
  return EXIT.ok;
}

const REASONS: Partial<Record<CleanedKey["outcome"], string>> = {
  unknown: "Not yours to judge.",
  gone: "It was removed before.",
};
