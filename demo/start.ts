/** `npm start`: the same product as the demo, kept running for people to play with. `npm run dev` serves the web sources with reload. */
import "./quiet.ts";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { PROJECT_DIR } from "./push.ts";
import { startReelsyncStack } from "./stack.ts";
import { startWebServer } from "./web-server.ts";

const { values: flags } = parseArgs({
  options: {
    dev: { type: "boolean", default: false },
    "data-dir": { type: "string", default: join(PROJECT_DIR, ".reelsync") },
    "web-port": { type: "string" },
    "cloud-port": { type: "string" },
    "site-port": { type: "string" },
    "s3-port": { type: "string" },
    "issuer-port": { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const HELP = `npm start -- [options]

Keeps the local stack, this project's functions and the web app running. Data stays in the data directory.

  --data-dir DIR    default .reelsync
  --web-port, --cloud-port, --site-port, --s3-port, --issuer-port N
                    use exactly this port; without it a free one is chosen
  --dev             serve the web sources with reload (npm run dev)`;

if (flags.help) {
  console.log(HELP);
} else {
  await main().catch((error: unknown) => {
    console.error(`could not start: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  });
}

async function main(): Promise<void> {
  const cloud = portOf("cloud-port");
  const site = portOf("site-port");
  const s3 = portOf("s3-port");
  const issuer = portOf("issuer-port");
  const webPort = portOf("web-port");
  const stack = await startReelsyncStack({
    dataDir: resolve(flags["data-dir"]),
    ports: {
      ...(cloud !== undefined && { cloud }),
      ...(site !== undefined && { site }),
      ...(s3 !== undefined && { s3 }),
      ...(issuer !== undefined && { issuer }),
    },
    onProgress: console.log,
  });
  console.log("building the player");
  const web = await startWebServer(stack, {
    dev: flags.dev,
    ...(webPort !== undefined && { port: webPort }),
  });

  console.log(`\nReelsync is running: ${web.url}\n`);
  console.log("Environment of an agent (copy into its .env):\n");
  for (const [name, value] of Object.entries(stack.agentEnv)) console.log(`  ${name}=${value}`);
  console.log("\nCtrl-C stops it; the data stays.");

  await new Promise<void>((stop) => process.once("SIGINT", stop).once("SIGTERM", stop));
  await web.close();
  await stack.close();
}

function portOf(
  flag: "web-port" | "cloud-port" | "site-port" | "s3-port" | "issuer-port",
): number | undefined {
  const text = flags[flag];
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`--${flag} must be a port number, not "${text}"`);
  return port;
}
