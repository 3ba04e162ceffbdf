/** `npm run demo`: one command from a fresh clone to a reel that was rendered, uploaded, recorded, watched and verified. */
import "./quiet.ts";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { runCommand, stopRequested, storageKind } from "./command-line.ts";
import { PROJECT_DIR } from "./push.ts";
import { type DemoSummary, formatBytes, runDemo } from "./run-demo.ts";
import { startReelsyncStack } from "./stack.ts";
import { formatTable } from "./table.ts";
import { startWebServer, type WebServer } from "./web-server.ts";

const help = `npm run demo -- [options]

Renders a reel of seven scenes, uploads every file with the SDK through an outage of S3 and one of Convex,
and verifies that every object's bytes hash to its record.

  --json            a machine-readable summary on stdout, progress on stderr
  --keep            leave everything running afterwards, with the player's address
  --pace MS         least time a chunk takes to render, so that you can watch (default 1500, with --json 0)
  --storage KIND    where the agent keeps its files: s3 (default) or local, a folder
  --data-dir DIR    where the local stack keeps its data (default .reelsync)
  --help

Exits with 0 only when every asset is verified, otherwise with 1 and the reason.`;

const TIME_TO_OPEN_MS = 10_000;

const options = {
  json: { type: "boolean", default: false },
  keep: { type: "boolean", default: false },
  pace: { type: "string" },
  storage: { type: "string", default: "s3" },
  "data-dir": { type: "string", default: join(PROJECT_DIR, ".reelsync") },
  help: { type: "boolean", default: false },
} as const;

await runCommand({ help, options, failure: "demo failed" }, async (flags) => {
  const say = (text: string) => (flags.json ? process.stderr : process.stdout).write(`${text}\n`);
  const paceMs = Number(flags.pace ?? (flags.json ? 0 : 1_500));
  if (!Number.isFinite(paceMs) || paceMs < 0)
    throw new Error(`--pace must be milliseconds, not "${flags.pace ?? ""}"`);

  const workDir = await mkdtemp(join(tmpdir(), "reelsync-demo-"));
  const stack = await startReelsyncStack({
    dataDir: resolve(flags["data-dir"]),
    storage: storageKind(flags.storage),
    onProgress: say,
  });
  let web: WebServer | undefined;
  try {
    // A JSON run has nobody to show the page to.
    if (!flags.json || flags.keep) {
      say("building the player");
      web = await startWebServer(stack);
    }
    const summary = await runDemo({
      stack,
      workDir,
      paceMs,
      onProgress: say,
      onSession: async (sessionId) => {
        if (!web) return;
        say(`\n   Watch it live: ${web.sessionUrl(sessionId)}   (sign in as anybody from the studio)\n`);
        if (!process.stdout.isTTY) return;
        say(`   Rendering starts in ${TIME_TO_OPEN_MS / 1000} s, so that you can open it.\n`);
        await wait(TIME_TO_OPEN_MS);
      },
    });
    if (flags.json) console.log(JSON.stringify(summary, null, 2));
    else printSummary(summary);
    if (!summary.ok) process.exitCode = 1;

    if (!flags.json && !flags.keep) say("The reel is kept: `npm start` shows it again.");
    if (flags.keep && web) {
      say(`\nRunning until Ctrl-C. The reel: ${web.sessionUrl(summary.sessionId)}`);
      await stopRequested();
    }
  } finally {
    await web?.close();
    await stack.close();
    await rm(workDir, { recursive: true, force: true });
  }
});

function printSummary(summary: DemoSummary): void {
  const assets = summary.assets.map((asset) => ({
    scene: asset.sceneKey,
    type: asset.assetType,
    version: asset.version,
    size: formatBytes(asset.size),
    sha256: asset.sha256.slice(0, 12),
    attempts: asset.attempts,
    state: asset.state,
    verified: asset.fault ?? "bytes match",
  }));
  const scenes = summary.scenes.map(({ title, closedToCommittedMs, committedToSeenMs }) => ({
    scene: title,
    "file closed → committed": `${closedToCommittedMs} ms`,
    "committed → seen by a subscriber": `${committedToSeenMs} ms`,
  }));
  console.log(`\n${formatTable(assets)}\n\n${formatTable(scenes)}\n`);
  for (const outage of summary.outages) {
    console.log(`Healed: ${outage.service} was down for ${outage.downMs} ms during ${outage.duringScene}.`);
  }
  for (const fault of summary.faults) console.error(`FAULT ${fault}`);
  const verdict = summary.ok ? "every object's bytes hash to its record" : `${summary.faults.length} faults`;
  console.log(
    `\n${summary.assets.length} assets in ${summary.seconds} s (rendered with ${summary.renderer}): ${verdict}.`,
  );
}
