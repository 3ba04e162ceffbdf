/** `reelsync bucket setup`: the settings a bucket needs, as a plan first. */
import { SECOND } from "../../../../contract/limits.ts";
import { openCall } from "../../call.ts";
import { plain } from "../columns.ts";
import { defineCommand } from "../command.ts";
import { commonExitCode, EXIT, exitCodeOf, UsageError, type ExitCode } from "../exit-code.ts";
import type { Colour } from "../output.ts";
import { ownSettings, storeSettings } from "../settings.ts";
import { isAws } from "../bucket/bucket-setting.ts";
import type { PlanItem } from "../bucket/plan.ts";

const REQUEST_TIMEOUT_MS = 60 * SECOND;
const DEFAULT_TEMP_DAYS = 7;

export const bucketSetup = defineCommand({
  path: ["bucket", "setup"],
  summary: "Give the bucket the settings it needs: prints the plan, makes the changes with --yes",
  details:
    "Versioning; lifecycle rules for temp/ (and S3_TEMP_PREFIX), partial_movie_files/ and incomplete uploads; CORS that exposes ETag; encryption; public access block. Rules of others " +
    "are kept. What the store does not have is reported and left. With --json one document a setting.",
  args: {},
  options: {
    yes: { kind: "flag", summary: "Make the changes" },
    only: {
      kind: "text",
      placeholder: "NAME",
      many: true,
      choices: ["versioning", "lifecycle", "cors", "encryption", "public-access"],
      summary: "Only this setting",
    },
    origin: {
      kind: "text",
      placeholder: "URL",
      many: true,
      summary: "Origin of a page that plays from the bucket, any unless given",
    },
    tenant: {
      kind: "text",
      placeholder: "SLUG",
      many: true,
      summary: "A tenant whose temporary files expire too",
    },
    "temp-days": {
      kind: "count",
      min: 1,
      summary: `Days temporary files are kept, ${DEFAULT_TEMP_DAYS} unless given`,
    },
  },
  examples: [
    { does: "what would change", line: "reelsync bucket setup" },
    { does: "change it", line: "reelsync bucket setup --yes --origin https://reels.example --tenant studio" },
    { does: "CORS alone", line: "reelsync bucket setup --only cors --yes" },
  ],
  async run({ options }, context) {
    const { output } = context;
    const config = storeSettings(context.env);
    for (const tenant of options.tenant) refuseOddSlug(tenant);
    const { basePrefix: base, tempFolder } = ownSettings(context.env);
    const wishes = {
      base,
      tempFolder,
      tenants: options.tenant,
      origins: options.origin.length > 0 ? options.origin : ["*"],
      tempDays: options["temp-days"] ?? DEFAULT_TEMP_DAYS,
    };
    const [{ settle, SETTING_NAMES }, { createS3Client }] = await Promise.all([
      import("../bucket/plan.ts"),
      import("../../s3/s3-client.ts"),
    ]);
    const client = createS3Client(config);
    const call = openCall({ timeoutMs: context.timeoutMs ?? REQUEST_TIMEOUT_MS, signal: context.signal });
    try {
      const codes: ExitCode[] = [];
      let open = 0;
      for (const setting of SETTING_NAMES) {
        if (options.only.length > 0 && !options.only.includes(setting)) continue;
        const { item, error } = await settle(setting, { client, config, call, wishes }, options.yes);
        // Without the bucket, or with wrong keys, every setting would fail alike.
        if (error !== undefined && isHopeless(error.code)) throw error;
        output.give(
          item,
          text(item, (colour, words) => output.paint(colour, words)),
        );
        codes.push(error === undefined ? EXIT.ok : exitCodeOf(error));
        if (item.state === "change") open += 1;
      }
      // A plan only reads, and many stores answer as if what they do not have was never set.
      const condition = isAws(config) ? "" : ", as far as this store has the settings";
      if (open > 0) output.say(`nothing was changed: --yes makes the changes${condition}`);
      return commonExitCode(codes);
    } finally {
      call.dispose();
      client.destroy();
    }
  },
});

function isHopeless(code: string): boolean {
  return [
    "BUCKET_NOT_FOUND",
    "S3_CREDENTIALS_INVALID",
    "S3_REGION_WRONG",
    "CLOCK_SKEWED",
    "S3_UNAVAILABLE",
    "ABORTED",
    "DEADLINE_EXCEEDED",
  ].includes(code);
}

function refuseOddSlug(tenant: string): void {
  if (/^[a-z0-9][a-z0-9-]{0,62}$/.test(tenant)) return;
  throw new UsageError(
    `--tenant is "${plain(tenant)}", expected a slug of lower-case letters, digits and dashes`,
    "reelsync bucket setup --help shows how.",
  );
}

const COLOUR_OF: Record<PlanItem["state"], Colour> = {
  ok: "green",
  changed: "green",
  change: "yellow",
  skipped: "dim",
  unsupported: "dim",
  failed: "red",
};

function text(item: PlanItem, paint: (colour: Colour, words: string) => string): string {
  const { setting, state, now, wanted, note, error } = item;
  const step = wanted === undefined ? (now ?? "") : `${now ?? ""} → ${wanted}`;
  const words = error === undefined ? step : `${error.code}: ${error.message}`;
  return [
    `${paint(COLOUR_OF[state], state.padEnd(11))}  ${setting.padEnd(13)}  ${words}`.trimEnd(),
    ...(note === undefined ? [] : [`${" ".repeat(28)}${note}`]),
  ].join("\n");
}
