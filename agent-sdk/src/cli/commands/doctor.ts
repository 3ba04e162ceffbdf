/** `reelsync doctor`: what is wrong here, why, and what mends it. */
import { STAGE_FOLDERS } from "../../../../contract/key-layouts.ts";
import { SECOND } from "../../../../contract/limits.ts";
import { openCall } from "../../call.ts";
import type { Config, S3Config } from "../../config.ts";
import { readSettings } from "../../read-settings.ts";
import { SETTINGS } from "../../settings.ts";
import { plain } from "../columns.ts";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { warn, type Check } from "../doctor/check.ts";
import { EXIT } from "../exit-code.ts";
import type { Colour, Output } from "../output.ts";
import { plural } from "../quantities.ts";
import { OF_REQUESTS, readOwn, storeSettings } from "../settings.ts";

const CHECK_TIMEOUT_MS = 20 * SECOND;
const ANY_ORIGIN = "http://localhost:3000";

export const doctor = defineCommand({
  path: ["doctor"],
  summary: "Check configuration, storage, deployment and this machine, and say what mends what",
  details:
    "Each line is ok, warn or fail, with cause and fix. Secrets are masked. Leaves nothing changed. Exits 1 when something fails. With --json one document a check.",
  args: {},
  options: {
    origin: {
      kind: "text",
      placeholder: "URL",
      summary: `Where the page is that plays from the bucket, ${ANY_ORIGIN} unless given`,
    },
  },
  examples: [
    { does: "look at everything", line: "reelsync doctor" },
    {
      does: "what fails, for a script",
      line: "reelsync doctor --json | jq -r 'select(.state == \"fail\") | .fix'",
    },
  ],
  async run({ options }, context) {
    const { output } = context;
    const counts = { ok: 0, warn: 0, fail: 0 };
    for await (const check of checks(context, options.origin ?? ANY_ORIGIN)) {
      counts[check.state] += 1;
      output.give(check, text(check, output));
    }
    const { ok, warn, fail } = counts;
    output.say(`${ok} ok, ${plural(warn, "warning")}, ${plural(fail, "failure")}`);
    return fail > 0 ? EXIT.general : EXIT.ok;
  },
});

/** Told one by one as they are known: somebody is watching. */
async function* checks(context: Context, origin: string): AsyncGenerator<Check> {
  const { env, signal } = context;
  const [{ checkEnvironment, wrongVariables }, machine, deployment] = await Promise.all([
    import("../doctor/environment.ts"),
    import("../doctor/machine.ts"),
    import("../doctor/deployment.ts"),
  ]);
  yield* checkEnvironment(env);
  const { values } = readSettings<Known>(SETTINGS, {}, env);
  const brief = { ...context, timeoutMs: context.timeoutMs ?? CHECK_TIMEOUT_MS };

  const isLocal = values.storageType === "LOCAL";
  if (isLocal) yield* await localChecks(values, signal);
  const store = isLocal ? undefined : storeConfig(env);
  if (store !== undefined) {
    const address = store.endpoint ?? `https://s3.${store.region}.amazonaws.com`;
    yield await machine.checkClock("the object store", address, signal);
    yield* await bucketChecks(brief, store, origin);
  } else if (!isLocal) {
    yield* unseenStore(wrongVariables(env, OF_REQUESTS));
  }
  if (values.convexUrl !== undefined) {
    const reachable = await deployment.checkUrl(values.convexUrl, signal);
    yield reachable;
    if (reachable.state !== "fail") {
      yield* await deployment.checkAgent(brief, isLocal ? undefined : values.bucket);
      if (readOwn(env).values.token !== undefined) yield* await deployment.checkPerson(brief);
    }
  }
  if (values.journalDir !== undefined) yield* await machine.checkJournalDir(values.journalDir);
  if (values.deadLetterDir !== undefined) yield* await machine.checkDeadLetterDir(values.deadLetterDir);
}

// Not an interface: that would not satisfy a Record.
type Known = {
  convexUrl: string;
  bucket: string;
  journalDir: string;
  deadLetterDir: string;
  storageType: Config["storageType"];
  localDir: string;
  localMaxBytes: number;
  localBaseUrl: string;
  localSigningKey: string;
};

async function localChecks(
  { localDir, localMaxBytes, localBaseUrl, localSigningKey }: Partial<Known>,
  signal: AbortSignal,
): Promise<Check[]> {
  // What is wrong with the folder's name was said about the environment.
  if (localDir === undefined) return [];
  const { checkLocalStorage } = await import("../doctor/local-storage.ts");
  const place = { dir: localDir, maxBytes: localMaxBytes };
  return checkLocalStorage({ ...place, baseUrl: localBaseUrl, signingKey: localSigningKey }, signal);
}

/** undefined: what is missing was said about the environment. */
function storeConfig(env: Context["env"]): S3Config | undefined {
  try {
    return storeSettings(env);
  } catch {
    return undefined;
  }
}

/** What is missing was said about the environment, and that nothing is known of the bucket follows from it. */
function unseenStore(wrong: ReadonlySet<string>): Check[] {
  if (wrong.size === 0) return [];
  const cause = `${[...wrong].join(", ")} ${wrong.size === 1 ? "is" : "are"} wrong`;
  return [
    warn("bucket", "not looked at", cause, "correct what is named above, then run reelsync doctor again"),
  ];
}

async function bucketChecks(context: Context, config: S3Config, origin: string): Promise<Check[]> {
  const [{ checkStore }, { createS3Client }] = await Promise.all([
    import("../doctor/store.ts"),
    import("../../s3/s3-client.ts"),
  ]);
  const { basePrefix: base = "", tempFolder = STAGE_FOLDERS.temp } = readOwn(context.env).values;
  const wishes = { base, tempFolder, tenants: [], origins: [origin], tempDays: 7 };
  // Somebody is waiting for a diagnosis, not for an outage to end.
  const client = createS3Client({ ...config, maxAttempts: 2 });
  const call = openCall({ timeoutMs: context.timeoutMs ?? CHECK_TIMEOUT_MS, signal: context.signal });
  try {
    return await checkStore({ client, config, call, wishes, origin });
  } finally {
    call.dispose();
    client.destroy();
  }
}

const COLOUR_OF: Record<Check["state"], Colour> = { ok: "green", warn: "yellow", fail: "red" };

function text({ check, state, found, cause, fix }: Check, { paint }: Output): string {
  const indent = " ".repeat(6);
  return [
    `${paint(COLOUR_OF[state], state.padEnd(4))}  ${check}: ${plain(found)}`,
    ...(cause === undefined ? [] : [`${indent}${plain(cause)}`]),
    ...(fix === undefined ? [] : [`${indent}fix: ${plain(fix)}`]),
  ].join("\n");
}
