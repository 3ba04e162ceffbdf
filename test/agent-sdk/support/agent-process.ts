/** Starts `agent-child.ts` as a process of its own, and kills it as a power switch would. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll } from "vitest";
import { build } from "vite";
import { PROJECT_DIR } from "../../../demo/push.ts";
import type { ChildJob } from "./agent-child.ts";

export interface Acknowledged {
  state: "ready" | "superseded" | "queued";
  uploadId: string;
  sha256: string;
  sceneId: string;
  chunkIndex: number;
}

export interface Said {
  event?: string;
  acknowledged?: Acknowledged;
  failed?: string;
}

export interface AgentProcess {
  /** Everything it has printed so far. */
  said: Said[];
  /** Called with every line. */
  onLine: (line: Said) => void;
  kill: () => void;
  ended: Promise<void>;
}

export function agentProcesses(): (job: ChildJob, env?: Record<string, string>) => AgentProcess {
  let folder: string;
  beforeAll(async () => {
    // Inside of the project, so that it finds its packages.
    await mkdir(join(PROJECT_DIR, ".reelsync"), { recursive: true });
    folder = await mkdtemp(join(PROJECT_DIR, ".reelsync", "agent-"));
    await build({
      root: PROJECT_DIR,
      configFile: false,
      logLevel: "warn",
      resolve: { alias: { reelsync: join(PROJECT_DIR, "agent-sdk/src/index.ts") } },
      build: {
        ssr: join(PROJECT_DIR, "test/agent-sdk/support/agent-child.ts"),
        outDir: folder,
        emptyOutDir: false,
      },
    });
  }, 60_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  return (job, env = {}) => {
    const child = spawn(process.execPath, [join(folder, "agent-child.js"), JSON.stringify(job)], {
      env: { PATH: process.env["PATH"], NODE_NO_WARNINGS: "1", ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const agent: AgentProcess = {
      said: [],
      onLine: () => undefined,
      kill: () => child.kill("SIGKILL"),
      ended: once(child, "close").then(() => undefined),
    };
    createInterface({ input: child.stdout }).on("line", (text) => {
      const line = JSON.parse(text) as Said;
      agent.said.push(line);
      agent.onLine(line);
    });
    return agent;
  };
}
