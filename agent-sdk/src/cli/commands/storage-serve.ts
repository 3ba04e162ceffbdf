/** `reelsync storage serve`: the door to the folder of STORAGE_TYPE=LOCAL. */
import { once } from "node:events";
import { ReelsyncError } from "../../errors.ts";
import { loadConfig } from "../../config.ts";
import { defineCommand } from "../command.ts";
import { EXIT } from "../exit-code.ts";

export const storageServe = defineCommand({
  path: ["storage", "serve"],
  summary: "Serve the folder of STORAGE_TYPE=LOCAL to players, until stopped",
  details:
    "Answers URLs that the deployment or an agent has signed with STORAGE_LOCAL_SIGNING_KEY, for reading (with ranges) or writing one file, and nothing else. " +
    "Give the deployment the same key, and the address as STORAGE_LOCAL_BASE_URL. Put TLS in front of it before it leaves this machine.",
  args: {},
  endsBySignal: true,
  options: {
    host: { kind: "text", placeholder: "HOST", summary: "Address to listen on, 127.0.0.1 unless given" },
    port: {
      kind: "count",
      placeholder: "PORT",
      min: 0,
      summary: "Port to listen on, any free one unless given",
    },
  },
  examples: [{ does: "for players on this machine", line: "reelsync storage serve --port 9010" }],
  async run({ options }, { env, output, signal }) {
    const { local } = loadConfig({
      env,
      storageType: "LOCAL",
      convexUrl: "http://unused.invalid",
      agentToken: async () => "",
    });
    if (local.signingKey === undefined) {
      throw new ReelsyncError(
        "CONFIG_INVALID",
        "STORAGE_LOCAL_SIGNING_KEY is missing: set it to the secret the deployment signs with",
      );
    }
    const { serveLocalFiles } = await import("../../storage/serve-local-files.ts");
    const server = await serveLocalFiles({
      dir: local.dir,
      signingKey: local.signingKey,
      maxBytes: local.maxBytes,
      ...(options.host !== undefined && { host: options.host }),
      ...(options.port !== undefined && { port: options.port }),
    });
    output.give({ url: server.url, dir: local.dir }, server.url);
    output.say(`serving ${local.dir}; Ctrl-C stops it`);
    if (!signal.aborted) await once(signal, "abort");
    await server.close();
    return EXIT.ok;
  },
});
