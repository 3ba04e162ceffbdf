/** `npm run test:s3`: the SDK and the whole product against a real S3, a Ceph gateway of its own unless an endpoint is given. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { PROJECT_DIR } from "../../demo/push.ts";
import { INSTALL_GATEWAY, missingPrograms, startGateway, type Gateway } from "./ceph-gateway.ts";

const HELP = `npm run test:s3 [-- options] [test file …]

Runs the SDK's storage suite, and an upload with its record, playback and repair, against a real S3. Works in buckets it
creates, and removes them.

  --endpoint URL   a store that is running: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY say who may create buckets on it,
                   AWS_REGION its region (us-east-1 unless set), S3_FORCE_PATH_STYLE=false buckets as host names
  --require        fail instead of skipping when there is no endpoint and Ceph is not installed (as with CI=true)
  --help

Without --endpoint it starts a Ceph gateway on loopback, in memory, from Debian's packages:
  ${INSTALL_GATEWAY}`;

const { values: flags, positionals: files } = parseArgs({
  options: {
    endpoint: { type: "string" },
    require: { type: "boolean", default: process.env["CI"] === "true" },
    help: { type: "boolean", default: false },
  },
  allowPositionals: true,
});

type StoreEnv = Record<string, string>;

if (flags.help) {
  console.log(HELP);
} else if (flags.endpoint !== undefined) {
  process.exitCode = await runSuite({ S3_ENDPOINT_URL: flags.endpoint });
} else {
  const missing = missingPrograms();
  if (missing.length === 0) {
    process.exitCode = await onOwnGateway();
  } else {
    const reason = `no --endpoint is given and ${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} not installed`;
    console.log(
      `${flags.require ? "FAILED" : "SKIPPED"}: ${reason}. To start a Ceph gateway:\n  ${INSTALL_GATEWAY}`,
    );
    process.exitCode = flags.require ? 1 : 0;
  }
}

async function onOwnGateway(): Promise<number> {
  const startedAt = Date.now();
  const gateway = await startGateway();
  console.log(`Ceph gateway at ${gateway.endpoint} after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
  try {
    return await runSuite(environmentOf(gateway));
  } finally {
    await gateway.close();
  }
}

function environmentOf({ endpoint, tls, credentials }: Gateway): StoreEnv {
  return {
    S3_ENDPOINT_URL: endpoint,
    S3_TLS_ENDPOINT_URL: tls.endpoint,
    NODE_EXTRA_CA_CERTS: tls.ca,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
}

/** In a process of its own, so that the gateway outlives even a crash of the suite and is taken down afterwards. */
async function runSuite(env: StoreEnv): Promise<number> {
  const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
  const suite = spawn(process.execPath, [vitest, "run", "--config", "vitest.s3.config.ts", ...files], {
    cwd: PROJECT_DIR,
    env: { ...process.env, ...env },
    stdio: "inherit",
  });
  // Ctrl-C reaches the suite too; this process waits for it, to clean up after it.
  const ignore = () => undefined;
  process.on("SIGINT", ignore);
  const terminate = () => void suite.kill("SIGTERM");
  process.on("SIGTERM", terminate);
  const [code] = (await once(suite, "exit")) as [number | null];
  process.off("SIGINT", ignore).off("SIGTERM", terminate);
  return code ?? 1;
}
