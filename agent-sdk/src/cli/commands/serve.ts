/** `reelsync serve`: one client for every program of this machine, in whatever language. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { resolve } from "node:path";
import { SECOND } from "../../../../contract/limits.ts";
import { logTo } from "../../log/log-to.ts";
import { loggerOf } from "../agent.ts";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { EXIT, UsageError } from "../exit-code.ts";
import { ownSettings } from "../settings.ts";
import { removeAddress, writeAddress } from "../../serve/address-file.ts";
import { isLoopback, type Door } from "../../serve/door.ts";
import type { HttpServer } from "../../serve/http-server.ts";
import type { Sidecar } from "../../serve/sidecar.ts";

const ADDRESS_FILE = ".reelsync/serve.json";
const DEFAULT_PORT = 7420;
const DEFAULT_GRACE_SECONDS = 10;
const HELP = "reelsync serve --help shows how.";

interface ServeOptions {
  port: number | undefined;
  host: string | undefined;
  "address-file": string | undefined;
  "no-token": boolean;
  grace: number | undefined;
  stdio: boolean;
}

export const serve = defineCommand({
  path: ["serve"],
  summary: "Serve uploads to programs of this machine over HTTP, or over standard input and output",
  details:
    "One client with one journal and one set of circuit breakers, for agents in any language; examples/python has a client. " +
    "Listens on 127.0.0.1 and writes its URL and token to the address file, which only you can read; a token of your own is taken from REELSYNC_SERVE_TOKEN. " +
    "Refuses browsers. While S3 or Convex is down uploads are answered `queued` and sent later. Replays the dead letters an admin asks for. " +
    "Ctrl-C and SIGTERM give what is under way --grace, queue the rest and end with 0.",
  args: {},
  options: {
    port: { kind: "count", summary: `Port to listen on (${DEFAULT_PORT}); 0 takes a free one` },
    host: { kind: "text", placeholder: "ADDRESS", summary: "Address to listen on (127.0.0.1)" },
    "address-file": {
      kind: "text",
      placeholder: "FILE",
      summary: "Where clients find URL and token (.reelsync/serve.json)",
    },
    "no-token": { kind: "flag", summary: "Let in every program of this machine, of any user" },
    grace: {
      kind: "count",
      placeholder: "SECONDS",
      summary: `How long uploads and replays may go on at the end (${DEFAULT_GRACE_SECONDS})`,
    },
    stdio: {
      kind: "flag",
      summary: "No port: a request a line on standard input, answers on standard output",
    },
  },
  examples: [
    { does: "for the agents of this machine", line: "reelsync serve" },
    { does: "as a child of an agent", line: "reelsync serve --stdio" },
    { does: "on a free port, told as JSON", line: "reelsync serve --port 0 --json" },
  ],
  endsBySignal: true,
  async run({ options }, context) {
    const door = doorOf(options, context);
    // Loaded here: help and completion need neither the AWS SDK nor a server.
    const { createReelsync } = await import("../../client.ts");
    const { createSidecar } = await import("../../serve/sidecar.ts");
    const { env, timeoutMs } = context;
    const log = await loggerOf(context);
    const reelsync = createReelsync({ env, ...(timeoutMs !== undefined && { timeoutMs }) });
    if (log !== undefined) logTo(reelsync, log);
    const sidecar = createSidecar(reelsync);
    reelsync.deadLetters.watch();
    const stop = () => sidecar.stop((options.grace ?? DEFAULT_GRACE_SECONDS) * SECOND);
    // An agent that is gone is no reason to leave its uploads where they are.
    context.outliveReader();
    if (options.stdio) await overStdio(sidecar, context, stop);
    else await overHttp(sidecar, door, options, context, stop);
    return EXIT.ok;
  },
});

function doorOf({ host = "127.0.0.1", "no-token": open, stdio }: ServeOptions, { env }: Context): Door {
  const { serveToken } = ownSettings(env);
  if (stdio || isLoopback(host)) {
    return { host, token: open ? undefined : (serveToken ?? randomBytes(32).toString("base64url")) };
  }
  // Others on the network could not read the address file, and must not get in without it.
  if (open || serveToken === undefined) {
    throw new UsageError(
      `--host ${host} lets other machines in`,
      "Set REELSYNC_SERVE_TOKEN, and leave --no-token out.",
    );
  }
  return { host, token: serveToken };
}

async function overStdio(sidecar: Sidecar, context: Context, stop: () => Promise<void>): Promise<void> {
  const { serveLines } = await import("../../serve/stdio.ts");
  const { stdin, signal, output } = context;
  const lines = serveLines(sidecar, stdin, (record) => output.give(record, JSON.stringify(record)), signal);
  await lines.ended;
  await Promise.race([lines.answered(), aborted(signal)]);
  await stop();
  await lines.answered();
}

async function overHttp(
  sidecar: Sidecar,
  door: Door,
  { port = DEFAULT_PORT, "address-file": file = ADDRESS_FILE }: ServeOptions,
  { cwd, signal, output }: Context,
  stop: () => Promise<void>,
): Promise<void> {
  const { listen } = await import("../../serve/http-server.ts");
  const path = resolve(cwd, file);
  let server: HttpServer | undefined;
  try {
    server = await listen(sidecar, door, port).catch((error: unknown) => {
      throw cannotListen(error, door.host, port);
    });
    const { token } = door;
    const address = { url: server.url, ...(token !== undefined && { token }), pid: process.pid };
    await writeAddress(path, address);
    output.give(
      { url: server.url, pid: process.pid, addressFile: path },
      `listening on ${server.url}, address and token in ${path}`,
    );
    await aborted(signal);
    await removeAddress(path, address);
    server.stopListening();
  } finally {
    await stop();
    await server?.close();
  }
}

function cannotListen(error: unknown, host: string, port: number): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE") {
    return new UsageError(
      `Port ${port} of ${host} is taken`,
      "Say --port with another one, or 0 for a free one.",
    );
  }
  if (code === undefined) return error;
  return new UsageError(`${host} port ${port} cannot be listened on (${code})`, HELP);
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
