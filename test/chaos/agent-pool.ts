/** Agent processes: one works, one is warm and takes over when the first is killed. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { AgentTask } from "./agent-child.ts";

export interface AgentPool {
  /** "killed" when it did not live to the end of it. */
  run: (task: AgentTask) => Promise<"done" | "killed">;
  /** `kill -9`; does nothing while no agent works. */
  kill: () => void;
  close: () => void;
}

/** `program`: `agent-child.ts` as one file, see `bundle-agent.ts`. */
export function createAgentPool(program: string): AgentPool {
  const start = () => startAgent(program);
  let spare = start();
  let current = start();
  let working = false;

  return {
    async run(task) {
      if (hasEnded(current.process)) {
        current = spare;
        spare = start();
      }
      await current.ready;
      const { process: agent } = current;
      const settled = new AbortController();
      const { signal } = settled;
      const outcome = Promise.race([
        once(agent, "message", { signal }).then(() => "done" as const),
        once(agent, "exit", { signal }).then(() => "killed" as const),
      ]);
      working = true;
      agent.send(task);
      return outcome.finally(() => {
        working = false;
        settled.abort();
      });
    },
    kill() {
      if (working) current.process.kill("SIGKILL");
    },
    close() {
      current.process.kill("SIGKILL");
      spare.process.kill("SIGKILL");
    },
  };
}

function startAgent(program: string) {
  const agent = fork(program, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  return { process: agent, ready: once(agent, "message") };
}

function hasEnded(agent: ChildProcess): boolean {
  return agent.exitCode !== null || agent.signalCode !== null;
}
