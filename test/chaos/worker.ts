/** One stack and its agents; runs the schedules it is sent, one after the other. */
import { S3Client } from "@aws-sdk/client-s3";
import { startReelsyncStack } from "../../demo/stack.ts";
import { createAgentPool } from "./agent-pool.ts";
import { runSchedule, type Outcome } from "./run-schedule.ts";

export type FromWorker =
  | { kind: "ready" }
  | { kind: "outcome"; outcome: Outcome }
  /** The simulator itself failed; says nothing about the product. */
  | { kind: "failed"; seed: number; message: string };

const [, , directory = "", program = ""] = process.argv;
const stack = await startReelsyncStack({
  dataDir: `${directory}/stack`,
  ports: { cloud: 0, site: 0, s3: 0, issuer: 0 },
});
const agents = createAgentPool(program);
const others = createAgentPool(program);
const { endpoint, credentials, region } = stack.local.objectStore;
const s3 = new S3Client({ endpoint, credentials, region, forcePathStyle: true });
const say = (message: FromWorker) => process.connected && process.send?.(message);

/** The simulator's own connection may have been kept over a restart; all it says may be said again. */
async function runAsOperator(path: string, args: Record<string, unknown>): Promise<unknown> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await stack.runAsOperator(path, args);
    } catch (error) {
      if (attempt === 3 || !(error instanceof TypeError)) throw error;
    }
  }
}

process.on("message", (seed: number) => {
  runSchedule({ stack, agents, others, s3, directory, runAsOperator }, seed).then(
    (outcome) => say({ kind: "outcome", outcome }),
    (error: unknown) => {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      say({ kind: "failed", seed, message });
    },
  );
});
process.once("disconnect", () => {
  agents.close();
  others.close();
  void stack.close().then(() => process.exit());
});
say({ kind: "ready" });
