/** `npm run bench [-- name …]`: prints ratios and medians; nothing here is asserted, and nothing passes or fails. Uploads are `npm run bench:sdk`. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startReelsyncStack } from "../demo/stack.ts";
import { benchCommitLatency } from "./commit-latency.ts";
import { benchMutations } from "./mutations.ts";

const benches = {
  latency: benchCommitLatency,
  mutations: benchMutations,
};
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  console.error(`no bench called ${unknown.join(", ")}: choose from ${Object.keys(benches).join(", ")}`);
  process.exit(2);
}

const dataDir = await mkdtemp(join(tmpdir(), "reelsync-bench-"));
const stack = await startReelsyncStack({ dataDir, onProgress: console.log });
try {
  for (const [name, bench] of Object.entries(benches)) {
    if (asked.length === 0 || asked.includes(name)) await bench(stack);
  }
} finally {
  await stack.close();
  await rm(dataDir, { recursive: true, force: true });
}
