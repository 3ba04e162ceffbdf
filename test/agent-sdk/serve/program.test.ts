/** `reelsync serve` as the program people start. */
import { createHash, randomBytes } from "node:crypto";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, test, vi } from "vitest";
import { MIB } from "../../../contract/limits.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { runCli, type Run } from "../cli/support/run-cli.ts";
import { openWorkshop } from "../cli/support/workshop.ts";
import { ask } from "./support/sidecar.ts";

vi.setConfig({ testTimeout: 120_000 });
const workshop = openWorkshop();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

interface Program {
  child: ChildProcessWithoutNullStreams;
  cwd: string;
  /** The next line of its standard output. */
  next: () => Promise<Record<string, unknown>>;
  write: (record: unknown) => void;
  ended: Promise<Run>;
}

/** Its folder, and with it its journal, is its own; `env` wins over the agent's. */
async function start(
  args: readonly string[],
  { cwd, env = {} }: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Program> {
  const folder = cwd ?? (await tempDir());
  return new Promise((resolve) => {
    const ended: Promise<Run> = runCli(["serve", ...args], {
      cwd: folder,
      env: { ...workshop.agentEnv, ...env },
      holdInput: true,
      during(child) {
        const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
        resolve({
          child,
          cwd: folder,
          next: async () =>
            JSON.parse(((await lines.next()).value as string | undefined) ?? "null") as Record<
              string,
              unknown
            >,
          write: (record) =>
            void child.stdin.write(`${typeof record === "string" ? record : JSON.stringify(record)}\n`),
          get ended() {
            return ended;
          },
        });
      },
    });
  });
}

const place = async () => {
  const { sceneId } = await workshop.scene();
  return { entity: { type: "scene", id: sceneId }, assetType: "video_chunk" } as const;
};

/** Sends random megabytes as fast as they are taken. */
async function stream(target: string, token: string, mib: number) {
  const chunk = randomBytes(MIB);
  const hash = createHash("sha256");
  const answer = await new Promise<string>((resolve, reject) => {
    const asked = httpRequest(
      target,
      { method: "POST", headers: { authorization: `Bearer ${token}` } },
      (reply) => {
        let text = "";
        reply.on("data", (part: Buffer) => (text += part.toString()));
        reply.once("end", () => resolve(text));
      },
    );
    asked.once("error", reject);
    void (async () => {
      for (let sent = 0; sent < mib; sent++) {
        hash.update(chunk);
        if (!asked.write(chunk)) await once(asked, "drain");
      }
      asked.end();
    })();
  });
  return { answer: JSON.parse(answer) as unknown, hash: hash.digest("hex") };
}

/** Writes a request as it is given: `fetch` and `node:http` say a length even where there is no body. */
async function askRaw(url: string, head: readonly string[], body = ""): Promise<string> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write([...head, `Host: ${host}`, "Connection: close", "", body].join("\r\n"));
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

describe("over HTTP", () => {
  test("says where it listens, lets clients find it, and ends with 0 on SIGTERM", async () => {
    const program = await start(["--port", "0", "--json"]);
    const { url, addressFile } = (await program.next()) as { url: string; addressFile: string };
    expect(addressFile).toBe(join(program.cwd, ".reelsync/serve.json"));
    const { token, ...address } = JSON.parse(await readFile(addressFile, "utf8")) as { token: string };
    expect(address).toEqual({ url, pid: program.child.pid });
    expect((await stat(addressFile)).mode & 0o777).toBe(0o600);

    const headers = { authorization: `Bearer ${token}` };
    expect((await ask(url, "GET", "/v1/health", { headers })).status).toBe(200);
    expect((await ask(url, "GET", "/v1/health", { headers: { authorization: "" } })).status).toBe(401);

    program.child.kill("SIGTERM");
    const { code, stdout, stderr } = await program.ended;
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain(token);
    await expect(stat(addressFile)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("takes no body, and one in chunks, for what they are, and refuses one that is too long", async () => {
    const token = "a-token-of-my-own-choice";
    const program = await start(["--port", "0", "--json"], { env: { REELSYNC_SERVE_TOKEN: token } });
    const { url } = (await program.next()) as { url: string };
    const post = (path: string, headers: string[], body?: string) =>
      askRaw(url, [`POST /v1${path} HTTP/1.1`, `Authorization: Bearer ${token}`, ...headers], body);
    expect(await post("/drain", [])).toContain('"waiting":0');
    expect(await post("/dead-letters/x/replay", [])).toContain('"code":"NOT_FOUND"');
    expect(await post("/sessions/x/end", [])).toContain('"code":"SESSION_NOT_FOUND"');
    expect(await post("/cancel", [])).toMatch(/"code":"INVALID_ARGUMENT".*correlationId/);
    const chunked = (text: string) =>
      post("/cancel", ["Transfer-Encoding: chunked"], `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`);
    expect(await chunked('{"correlationId":"none"}')).toContain('{"cancelled":0}');
    expect(await chunked(" ".repeat(17 * MIB))).toMatch(/"code":"INVALID_ARGUMENT".*16777216 bytes/);
    program.child.kill("SIGTERM");
    await program.ended;
  });

  test("[G1] on SIGTERM an upload that has no time left is answered queued, and the next start sends it", async () => {
    const where = await place();
    const bytes = randomBytes(5000);
    const file = await workshop.file("intro.mp4", bytes);
    const { objectStore } = workshop.stack.local;
    const token = "a-token-of-my-own-choice";
    // Retries go on for longer than the test waits, so the upload is still under way when the signal comes.
    const env = { REELSYNC_SERVE_TOKEN: token, S3_MAX_ATTEMPTS: "20" };
    const program = await start(["--port", "0", "--json", "--grace", "0"], { env });
    const { url } = (await program.next()) as { url: string };
    const headers = { authorization: `Bearer ${token}` };
    await objectStore.stop();
    const uploading = ask(url, "POST", "/v1/uploads", { body: { file, ...where }, headers });
    await vi.waitUntil(
      async () => (await workshop.rows("assets")).some(({ entityId }) => entityId === where.entity.id),
      {
        timeout: 30_000,
      },
    );
    program.child.kill("SIGTERM");
    const { body } = await uploading;
    expect(body).toMatchObject({ state: "queued", sha256: sha256(bytes) });
    expect((await program.ended).code).toBe(0);

    await objectStore.start();
    const next = await start(["--stdio"], { cwd: program.cwd });
    next.write({ id: 1, method: "drain" });
    expect(await next.next()).toMatchObject({ id: 1, result: { failed: 0, waiting: 0 } });
    next.write({ id: 2, method: "uploadStatus", params: { uploadId: body["uploadId"] } });
    expect(await next.next()).toMatchObject({
      result: { state: "recorded", asset: { status: "ready", checksum: sha256(bytes) } },
    });
    next.child.stdin.end();
    expect((await next.ended).code).toBe(0);
  });

  test("a body passes through without filling the memory, however long it is", async () => {
    const token = "a-token-of-my-own-choice";
    const program = await start(["--port", "0", "--json"], { env: { REELSYNC_SERVE_TOKEN: token } });
    const { url } = (await program.next()) as { url: string };
    const peakMibAfter = async (mib: number) => {
      const { entity, assetType } = await place();
      const query = { entityType: entity.type, entityId: entity.id, assetType, fileName: "long.mp4" };
      const target = `${url}/v1/uploads/stream?${new URLSearchParams(query).toString()}`;
      const { answer, hash } = await stream(target, token, mib);
      expect(answer).toMatchObject({ state: "ready", size: mib * MIB, sha256: hash });
      const status = await readFile(`/proc/${program.child.pid ?? 0}/status`, "utf8");
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
    };
    const small = await peakMibAfter(96);
    const large = await peakMibAfter(480);
    expect(large - small).toBeLessThan(64);
    program.child.kill("SIGTERM");
    expect((await program.ended).code).toBe(0);
  });

  test.each([
    ["--host beyond this machine without a token", ["--host", "0.0.0.0"], {}, /REELSYNC_SERVE_TOKEN/],
    [
      "--host beyond this machine and --no-token",
      ["--host", "0.0.0.0", "--no-token"],
      { REELSYNC_SERVE_TOKEN: "x".repeat(16) },
      /no-token/,
    ],
  ])("[G7] refuses %s", async (_what, args, env, said) => {
    const run = await runCli(["serve", ...args], {
      cwd: await tempDir(),
      env: { ...workshop.agentEnv, ...env },
    });
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(said);
  });

  test("[G7] says so when the port is taken, and when a setting is missing or wrong", async () => {
    const port = new URL(workshop.stack.local.objectStore.endpoint).port;
    const taken = await runCli(["serve", "--port", port], { cwd: await tempDir(), env: workshop.agentEnv });
    expect(taken.code).toBe(2);
    expect(taken.stderr).toMatch(/is taken/);
    const short = { REELSYNC_SERVE_TOKEN: "short" };
    const wrong = await runCli(["serve", "--json"], { cwd: await tempDir(), env: short });
    expect(wrong).toMatchObject({ code: 2, error: { code: "CONFIG_INVALID" } });
    expect(wrong.error.message).toMatch(/REELSYNC_SERVE_TOKEN/);
    expect(wrong.stderr).not.toContain('short"');
    const bare = await runCli(["serve", "--json"], { cwd: await tempDir() });
    expect(bare).toMatchObject({ code: 2, error: { code: "CONFIG_INVALID" } });
  });
});

describe("over standard input and output", () => {
  test("answers each line by its id, with progress in between, and ends when its input does", async () => {
    const { sceneId } = await workshop.scene();
    const file = await workshop.file("intro.mp4", randomBytes(50_000));
    const program = await start(["--stdio"]);
    const params = { file, entity: { type: "scene", id: sceneId }, assetType: "video_chunk" };
    program.write({ id: "a", method: "upload", params, correlationId: "render-7" });
    // Nothing of what was asked may be lost because its asker has said everything.
    program.child.stdin.end();
    const { code, records, stderr } = await program.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(records.every(({ id }) => id === "a")).toBe(true);
    const phases = records.slice(0, -1).map(({ progress }) => (progress as { phase: string }).phase);
    expect([...new Set(phases)]).toEqual(["hashing", "uploading", "syncing", "done"]);
    expect(records.at(-1)).toMatchObject({ result: { state: "ready", size: 50_000 } });
  });

  test("[G7] a line that is wrong is told so, and the next one is answered", async () => {
    const program = await start(["--stdio"]);
    const faults = [
      ["{", null, "INVALID_ARGUMENT"],
      ["[]", null, "INVALID_ARGUMENT"],
      ['{"id":1}', 1, "INVALID_ARGUMENT"],
      ['{"id":2,"method":"toString"}', 2, "NOT_FOUND"],
      ['{"id":3,"method":"upload","params":{"file":1}}', 3, "INVALID_ARGUMENT"],
    ] as const;
    for (const [line, id, code] of faults) {
      program.write(line);
      expect(await program.next()).toMatchObject({ id, error: { code, hint: expect.any(String) as string } });
    }
    program.write('\r\n{"id":4,"method":"health"}');
    expect(await program.next()).toMatchObject({ id: 4, result: { breakers: { s3: { kind: "closed" } } } });
    program.child.kill("SIGTERM");
    expect((await program.ended).code).toBe(0);
  });

  test("[G7] a line that is too long is refused under its id, and the next one is answered", async () => {
    const program = await start(["--stdio"]);
    program.write({ id: "long", method: "createSession", params: { title: "x".repeat(17 * MIB) } });
    expect(await program.next()).toMatchObject({
      id: "long",
      error: { code: "INVALID_ARGUMENT", message: expect.stringContaining("longer than") as string },
    });
    program.write({ id: 2, method: "health" });
    expect(await program.next()).toMatchObject({ id: 2, result: {} });
    program.child.stdin.end();
    expect((await program.ended).code).toBe(0);
  });

  test("[G1] an agent that dies does not take its upload with it", async () => {
    const { sceneId } = await workshop.scene();
    const bytes = randomBytes(5000);
    const file = await workshop.file("intro.mp4", bytes);
    const program = await start(["--stdio"]);
    const params = { file, entity: { type: "scene", id: sceneId }, assetType: "video_chunk" };
    program.write({ id: 1, method: "upload", params });
    // As when the process at the other end is gone: nobody writes, nobody reads.
    program.child.stdout.destroy();
    program.child.stdin.end();
    expect((await program.ended).code).toBe(0);
    const rows = (await workshop.rows("assets")).filter(({ entityId }) => entityId === sceneId);
    expect(rows).toMatchObject([{ status: "ready", checksum: sha256(bytes) }]);
  });
});
