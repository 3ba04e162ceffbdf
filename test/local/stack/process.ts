/** `npm run local` as a process of its own, to be killed. */
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";

const MAIN = path.resolve(import.meta.dirname, "../../../local/main.ts");

export interface StackProcess {
  child: ChildProcess;
  pid: number;
  ports: Record<"cloud" | "site" | "s3" | "issuer", number>;
  notices: string[];
  environment: Record<string, string>;
  target: { url: string; adminKey: string };
  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

export interface FailedStart {
  code: number | null;
  stdout: string;
  stderr: string;
}

const ANY_PORTS = ["--cloud-port", "0", "--site-port", "0", "--s3-port", "0", "--issuer-port", "0"];

export async function startProcess(dataDir: string, ...args: string[]): Promise<StackProcess | FailedStart> {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", MAIN, "--json", "--data-dir", dataDir, ...ANY_PORTS, ...args],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let stdout = "";
  let stderr = "";
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once("close", (code, signal) => resolve({ code, signal })),
  );
  const firstLine = new Promise<string>((resolve) =>
    child.stdout.on("data", (data: Buffer) => {
      stdout += data.toString();
      const end = stdout.indexOf("\n");
      if (end !== -1) resolve(stdout.slice(0, end));
    }),
  );
  const started = await Promise.race([firstLine, ended]);
  if (typeof started !== "string") return { code: started.code, stdout, stderr };
  const told = JSON.parse(started) as Pick<StackProcess, "pid" | "ports" | "notices" | "environment">;
  return {
    ...told,
    child,
    target: {
      url: told.environment.CONVEX_SELF_HOSTED_URL!,
      adminKey: told.environment.CONVEX_SELF_HOSTED_ADMIN_KEY!,
    },
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}

export function assertStarted(started: StackProcess | FailedStart): asserts started is StackProcess {
  if (!("child" in started)) throw new Error(`The stack did not start: ${started.stderr}`);
}
