/** `npm run local`: keeps the local stack running and prints what an app needs to find it. */
import path from "node:path";
import { parseArgs } from "node:util";
import { type LocalStack, LocalStackError, type Person, startLocalStack } from "./index.ts";
import { type Ports, SERVICES } from "./ports.ts";

const HELP = `npm run local -- [options]

Keeps a local Convex-compatible deployment, an S3-compatible object store and a development sign-in running, and prints
the environment of an app that uses them. Data stays in the data directory.

  --data-dir DIR     default .local-stack
  --bucket NAME      a bucket to have; may be given more than once (default: media)
  --client-id ID     the application that may sign people in (default: app)
  --person SUBJECT=NAME   someone who may sign in; may be given more than once
  --cloud-port, --site-port, --s3-port, --issuer-port N
                     use exactly this port, 0 for any; without it a free one is chosen
  --json             print one line of JSON instead, and nothing else on standard output`;

const DEFAULT_PEOPLE = ["ada=Ada Example", "ben=Ben Example", "cleo=Cleo Example"];

const EXIT_CANNOT_START = 1;
const EXIT_USAGE = 2;

class UsageError extends Error {}

function parseFlags() {
  try {
    return parseArgs({
      options: {
        "data-dir": { type: "string", default: ".local-stack" },
        bucket: { type: "string", multiple: true, default: ["media"] },
        "client-id": { type: "string", default: "app" },
        person: { type: "string", multiple: true, default: DEFAULT_PEOPLE },
        "cloud-port": { type: "string" },
        "site-port": { type: "string" },
        "s3-port": { type: "string" },
        "issuer-port": { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function portsOf(flags: ReturnType<typeof parseFlags>): Partial<Ports> {
  const ports: Partial<Ports> = {};
  for (const service of SERVICES) {
    const text = flags[`${service}-port`];
    if (text === undefined) continue;
    const port = Number(text);
    if (!/^\d+$/.test(text) || port > 65_535) {
      throw new UsageError(`--${service}-port must be a port number, not "${text}".`);
    }
    ports[service] = port;
  }
  return ports;
}

function personOf(text: string): Person {
  const [subject = "", name = ""] = text.split("=", 2);
  if (subject === "" || name === "") throw new UsageError(`--person must be SUBJECT=NAME, not "${text}".`);
  return { subject, name, email: `${subject}@example.com` };
}

function environmentOf({ deployment, objectStore, issuer }: LocalStack): Record<string, string> {
  return {
    CONVEX_SELF_HOSTED_URL: deployment.url,
    CONVEX_SELF_HOSTED_ADMIN_KEY: deployment.adminKey,
    CONVEX_URL: deployment.url,
    CONVEX_SITE_URL: deployment.siteUrl,
    S3_ENDPOINT_URL: objectStore.endpoint,
    S3_FORCE_PATH_STYLE: "true",
    S3_BUCKET: objectStore.buckets[0] ?? "",
    AWS_REGION: objectStore.region,
    AWS_ACCESS_KEY_ID: objectStore.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: objectStore.credentials.secretAccessKey,
    OIDC_ISSUER: issuer.issuer,
    OIDC_CLIENT_ID: issuer.clientId,
  };
}

/** The admin key has a character that shells and some .env readers treat specially. */
function envLine([name, value]: [string, string]): string {
  return /^[\w:/.@+-]*$/.test(value) ? `${name}=${value}` : `${name}='${value}'`;
}

async function main(): Promise<void> {
  const flags = parseFlags();
  if (flags.help) {
    console.log(HELP);
    return;
  }
  const stopAsked = new Promise<void>((stop) => process.once("SIGINT", stop).once("SIGTERM", stop));
  const dataDir = path.resolve(flags["data-dir"]);
  const stack = await startLocalStack({
    dataDir,
    ports: portsOf(flags),
    buckets: flags.bucket,
    clientId: flags["client-id"],
    people: flags.person.map(personOf),
  });
  const environment = environmentOf(stack);
  if (flags.json) {
    console.log(
      JSON.stringify({ pid: process.pid, dataDir, ports: stack.ports, notices: stack.notices, environment }),
    );
  } else {
    for (const notice of stack.notices) console.error(notice);
    console.log(Object.entries(environment).map(envLine).join("\n"));
    console.error(`\nThe local stack is running on ${dataDir}; Ctrl-C stops it, the data stays.`);
  }
  await stopAsked;
  await stack.close();
}

try {
  await main();
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`${error.message} See --help.`);
    process.exit(EXIT_USAGE);
  }
  const code = error instanceof LocalStackError ? ` (${error.code})` : "";
  console.error(
    `The local stack did not start${code}: ${error instanceof Error ? error.message : String(error)}`,
  );
  process.exit(EXIT_CANNOT_START);
}
