/** Mutations per second: the local deployment over HTTP, durable, against convex-test in memory, on the same function. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { convexTest } from "convex-test";
import type { ReelsyncStack } from "../demo/stack.ts";
import { PROJECT_DIR } from "../demo/push.ts";
import { api, internal } from "../convex/_generated/api.js";
import schema from "../convex/schema.ts";
import { alternate, median } from "./measure.ts";

const CALLS = 2_000;
const ROUNDS = 3;
const IN_FLIGHT = 16;

export async function benchMutations(stack: ReelsyncStack): Promise<void> {
  const local = new ConvexHttpClient(stack.local.deployment.url, { auth: await stack.tokenFor("ada") });
  const memory = await inMemory();
  const create = (name: string) => ({
    title: "bench",
    project: "bench",
    sessionKey: `${name} ${crypto.randomUUID()}`,
  });
  const { sessionId: localSession } = await local.mutation(api.sessions.create, create("local"));
  const { sessionId: memorySession } = await memory.mutation(api.sessions.create, create("memory"));
  let scene = 0;
  const upsert = (sessionId: typeof localSession) => ({
    sessionId,
    sceneKey: `bench-${(scene += 1) % 500}`,
    index: scene % 500,
    title: `take ${scene}`,
  });

  const seconds = await alternate(
    {
      "local deployment": () =>
        timeCalls(() => local.mutation(api.scenes.upsert, upsert(localSession), { skipQueue: true })),
      "convex-test": () => timeCalls(() => memory.mutation(api.scenes.upsert, upsert(memorySession))),
    },
    ROUNDS,
  );
  const rate = (name: string) => CALLS / median(seconds[name] ?? []);
  console.log(
    `\nMutations per second (scenes.upsert, ${IN_FLIGHT} in flight, median of ${ROUNDS} × ${CALLS})`,
  );
  console.table({
    "local deployment, HTTP, durable": { "per second": Math.round(rate("local deployment")), ratio: 1 },
    "convex-test, in memory": {
      "per second": Math.round(rate("convex-test")),
      ratio: Number((rate("convex-test") / rate("local deployment")).toFixed(2)),
    },
  });
}

async function timeCalls(call: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  let left = CALLS;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (left > 0) {
        left -= 1;
        await call();
      }
    }),
  );
  return (performance.now() - startedAt) / 1000;
}

async function inMemory() {
  const folder = join(PROJECT_DIR, "convex");
  const files = (await readdir(folder, { recursive: true })).filter(
    (name) => /\.(ts|js)$/.test(name) && !name.endsWith(".d.ts"),
  );
  const modules = Object.fromEntries(
    files.map((name) => [`/convex/${name}`, () => import(join(folder, name))]),
  );
  process.env["S3_BUCKET"] = "bench";
  const test = convexTest(schema, modules);
  const tokenIdentifier = "https://bench.example|ada";
  await test.action(internal.setup.bootstrap, {
    tenant: "bench",
    tenantName: "Bench",
    members: [{ tokenIdentifier, name: "Ada", email: "ada@bench.example", role: "owner" }],
  });
  return test.withIdentity({ tokenIdentifier, issuer: "https://bench.example", subject: "ada" });
}
