import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { push, setEnv } from "./fixture.ts";
import { api } from "./fixture-app/convex/references.ts";
import { newLine } from "./observed-socket.ts";
import { assertStarted, startProcess, type StackProcess } from "./process.ts";
import { Watching } from "./watching.ts";

const AUTHOR = "durable";

let dataDir: string;
const running: StackProcess[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), "local-stack-"));
});
afterEach(async () => {
  for (const stack of running.splice(0)) if (stack.child.exitCode === null) await stack.end("SIGKILL");
  await rm(dataDir, { recursive: true, force: true });
});

async function start(...args: string[]): Promise<StackProcess> {
  const stack = await startProcess(dataDir, ...args);
  assertStarted(stack);
  running.push(stack);
  return stack;
}

describe("kill -9 of the whole stack", { timeout: 120_000 }, () => {
  test("[G1] whatever was acknowledged is there afterwards, and a subscription and a mutation in flight go on", async () => {
    const first = await start();
    await setEnv(first.target, "FIXTURE_ISSUER", first.environment.OIDC_ISSUER!);
    await push(first.target);
    const http = new ConvexHttpClient(first.target.url, { logger: false });
    const client = new ConvexClient(first.target.url, {
      webSocketConstructor: newLine().WebSocket,
      logger: false,
    });
    const bodies = new Watching<string[]>();
    client.onUpdate(api.messages.by, { author: AUTHOR }, (messages) =>
      bodies.update(messages.map(({ body }) => body)),
    );
    await bodies.until(() => true);

    // Killed in the middle of a stream of writes: the last may or may not have committed, all before it must have.
    const acknowledged: string[] = [];
    let killed: ReturnType<StackProcess["end"]> | undefined;
    for (let n = 0; killed === undefined; n++) {
      const body = `m${n}`;
      const sent = http.mutation(api.messages.send, { author: AUTHOR, body });
      if (n === 20) {
        killed = first.end("SIGKILL");
        await sent.then(
          () => acknowledged.push(body),
          () => undefined,
        );
      } else {
        await sent;
        acknowledged.push(body);
      }
    }
    expect((await killed).signal).toBe("SIGKILL");
    const inFlight = client.mutation(api.messages.send, { author: AUTHOR, body: "in flight" });

    const second = await start();
    expect(second.ports).toEqual(first.ports);
    expect(second.environment).toEqual(first.environment);
    await inFlight;
    const seen = await bodies.until((known) => known.includes("in flight"));
    expect(seen.slice(0, acknowledged.length)).toEqual(acknowledged);
    expect(seen.filter((body) => body === "in flight")).toHaveLength(1);
    expect(new Set(seen).size).toBe(seen.length);
    await client.close();
    expect(await second.end("SIGTERM")).toEqual({ code: 0, signal: null });
  });

  test("[G1] an acknowledged object is there afterwards, byte for byte, under the same keys", async () => {
    const first = await start("--bucket", "films");
    const client = new S3Client({
      endpoint: first.environment.S3_ENDPOINT_URL!,
      region: first.environment.AWS_REGION!,
      forcePathStyle: true,
      credentials: {
        accessKeyId: first.environment.AWS_ACCESS_KEY_ID!,
        secretAccessKey: first.environment.AWS_SECRET_ACCESS_KEY!,
      },
    });
    await client.send(new PutObjectCommand({ Bucket: "films", Key: "a/b", Body: "bytes" }));
    await first.end("SIGKILL");
    await start("--bucket", "films");
    const { Body } = await client.send(new GetObjectCommand({ Bucket: "films", Key: "a/b" }));
    expect(await Body?.transformToString()).toBe("bytes");
    client.destroy();
  });
});

describe("one data directory, one process", { timeout: 60_000 }, () => {
  test("a second process is refused and told who has it; the first goes on", async () => {
    const first = await start();
    const refused = await startProcess(dataDir);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect("stderr" in refused && refused.stderr).toMatch(
      new RegExp(`DATA_DIR_IN_USE.*process ${first.pid}.*--data-dir`),
    );
    expect((await fetch(`${first.target.url}/version`)).status).toBe(200);
    expect((await first.end("SIGINT")).code).toBe(0);
    await start();
  });
});

describe("flags", { timeout: 60_000 }, () => {
  test.each([
    [["--cloud-port", "many"], "--cloud-port must be a port number"],
    [["--person", "ada"], "--person must be SUBJECT=NAME"],
    [["--nonsense"], "--nonsense"],
  ])("%j is a usage error that names the flag", async (args, message) => {
    const refused = await startProcess(dataDir, ...args);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect("stderr" in refused && refused.stderr).toContain(message);
  });
});
