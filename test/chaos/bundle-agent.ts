/** The agent's program as one file: a process of it starts in a sixth of the time, and a schedule starts several. */
import { join } from "node:path";
import { build } from "vite";
import { PROJECT_DIR } from "../../demo/push.ts";

export async function bundleAgent(directory: string): Promise<string> {
  const outDir = join(directory, "agent");
  await build({
    root: PROJECT_DIR,
    configFile: false,
    logLevel: "warn",
    ssr: { noExternal: true },
    build: { ssr: join(PROJECT_DIR, "test/chaos/agent-child.ts"), outDir, emptyOutDir: false },
  });
  return join(outDir, "agent-child.js");
}
