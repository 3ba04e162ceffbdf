/**
 * An agent killed with `kill -9` when nine tenths of its file have gone by, and the next one going on: how many bytes
 * went to the store twice, as counted on the wire in between.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm, stat } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { PARTS_IN_FLIGHT } from "../../agent-sdk/src/s3/multipart-upload.ts";
import { PREFERRED_PART_BYTES } from "../../contract/limits.ts";
import { runScript } from "./run-upload.ts";
import type { BenchWire } from "./store.ts";

export interface ResumeResult {
  fileBytes: number;
  /** On the wire to the store by both agents, headers included. */
  sentBytes: number;
  resentBytes: number;
  /** What may be in flight when an agent is killed. */
  inFlightBytes: number;
  sent: number;
}

const KILL_AT = 0.9;

export async function benchResume(
  store: BenchWire,
  script: string,
  file: string,
  folder: string,
): Promise<ResumeResult> {
  const { size } = await stat(file);
  const wire = await openWire(store.endpoint);
  const journal = join(folder, "journal");
  const env = { ...store.agentEnv, S3_ENDPOINT_URL: wire.endpoint, REELSYNC_JOURNAL_DIR: journal };
  try {
    const agent = spawn(process.execPath, [script, file], {
      env: { PATH: process.env["PATH"], NODE_NO_WARNINGS: "1", ...env },
      stdio: ["ignore", "ignore", "inherit"],
    });
    wire.onBytes = (bytes) => {
      if (bytes >= KILL_AT * size) agent.kill("SIGKILL");
    };
    await once(agent, "exit");
    wire.onBytes = () => undefined;
    const { sent } = await runScript<{ sent: number }>(script, [], env);
    return {
      fileBytes: size,
      sentBytes: wire.bytes(),
      resentBytes: wire.bytes() - size,
      inFlightBytes: PARTS_IN_FLIGHT * PREFERRED_PART_BYTES,
      sent,
    };
  } finally {
    wire.close();
    await rm(journal, { recursive: true, force: true });
  }
}

interface Wire {
  endpoint: string;
  bytes: () => number;
  onBytes: (bytes: number) => void;
  close: () => void;
}

/** Passes everything on, and counts what goes to the store. */
async function openWire(endpoint: string): Promise<Wire> {
  const { hostname, port } = new URL(endpoint);
  let bytes = 0;
  const wire: Wire = {
    endpoint: "",
    bytes: () => bytes,
    onBytes: () => undefined,
    close: () => undefined,
  };
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    near.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      wire.onBytes(bytes);
    });
    near.pipe(far).pipe(near);
    const end = () => {
      near.destroy();
      far.destroy();
    };
    near.once("error", end).once("close", end);
    far.once("error", end).once("close", end);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  wire.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  wire.close = () => void server.close();
  return wire;
}
