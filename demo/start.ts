/** `npm start`: the same product as the demo, kept running for people to play with. `npm run dev` serves the web sources with reload. */
import "./quiet.ts";
import { join, resolve } from "node:path";
import { runCommand, stopRequested, storageKind } from "./command-line.ts";
import { writeEnvFiles } from "./env-files.ts";
import { PROJECT_DIR } from "./push.ts";
import { startReelsyncStack } from "./stack.ts";
import { startWebServer } from "./web-server.ts";

const help = `npm start -- [options]

Keeps the local stack, this project's functions and the web app running. Data stays in the data directory.

  --data-dir DIR    default .reelsync
  --web-port, --cloud-port, --site-port, --s3-port, --issuer-port N
                    use exactly this port; without it a free one is chosen
  --storage KIND    where the agent's environment keeps files: s3 (default) or local
  --dev             serve the web sources with reload (npm run dev)
  --help`;

const options = {
  dev: { type: "boolean", default: false },
  storage: { type: "string", default: "s3" },
  "data-dir": { type: "string", default: join(PROJECT_DIR, ".reelsync") },
  "web-port": { type: "string" },
  "cloud-port": { type: "string" },
  "site-port": { type: "string" },
  "s3-port": { type: "string" },
  "issuer-port": { type: "string" },
  help: { type: "boolean", default: false },
} as const;

await runCommand({ help, options, failure: "could not start" }, async (flags) => {
  const webPort = portOf("--web-port", flags["web-port"]);
  const stack = await startReelsyncStack({
    dataDir: resolve(flags["data-dir"]),
    storage: storageKind(flags.storage),
    ports: {
      cloud: portOf("--cloud-port", flags["cloud-port"]),
      site: portOf("--site-port", flags["site-port"]),
      s3: portOf("--s3-port", flags["s3-port"]),
      issuer: portOf("--issuer-port", flags["issuer-port"]),
    },
    onProgress: console.log,
  });
  console.log("building the player");
  const web = await startWebServer(stack, { dev: flags.dev, port: webPort });

  console.log(`\nReelsync is running: ${web.url}   (sign in as anybody from the studio)\n`);
  const files = await writeEnvFiles(stack, resolve(flags["data-dir"]));
  console.log(`Environment of an agent, also in ${files.agent}:\n`);
  for (const [name, value] of Object.entries(stack.agentEnv)) console.log(`  ${name}=${value}`);
  console.log(
    `\nAdmin commands, as ${files.owner}, who owns the studio (token and admin key are in the file):\n`,
  );
  console.log(`  npm run -s reelsync -- reconcile --dotenv ${files.admin}`);
  console.log(
    "\nNeither the SDK nor the command line reads a .env file by itself: name it with --dotenv FILE, or run",
  );
  console.log("an agent with node --env-file FILE.");
  console.log("\nCtrl-C stops it; the data stays.");

  await stopRequested();
  await web.close();
  await stack.close();
});

function portOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Error(`${flag} must be a port number, not "${text}"`);
  }
  return port;
}
