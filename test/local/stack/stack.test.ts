import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { HeadBucketCommand, ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type LocalStack, type LocalStackOptions, startLocalStack } from "../../../local/index.ts";

let dataDir: string;
const open = new Set<{ close(): unknown }>();

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), "local-stack-"));
});
afterEach(async () => {
  for (const opened of open) await opened.close();
  open.clear();
  await rm(dataDir, { recursive: true, force: true });
});

async function start(more: Partial<LocalStackOptions> = {}): Promise<LocalStack> {
  const stack = await startLocalStack({
    dataDir,
    ports: { cloud: 0, site: 0, s3: 0, issuer: 0 },
    buckets: ["media"],
    clientId: "app",
    people: [{ subject: "ada", name: "Ada", email: "ada@example.com" }],
    ...more,
  });
  open.add(stack);
  return stack;
}

async function stop(stack: LocalStack): Promise<void> {
  open.delete(stack);
  await stack.close();
}

/** Someone else's program on a port. */
async function occupy(port = 0): Promise<{ port: number; free(): Promise<void> }> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  open.add(server);
  return {
    port: (server.address() as AddressInfo).port,
    free: () =>
      new Promise((resolve) => {
        open.delete(server);
        server.close(() => resolve());
      }),
  };
}

function s3(stack: LocalStack): S3Client {
  const { endpoint, region, credentials } = stack.objectStore;
  return new S3Client({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1 });
}

describe("a second start on the same directory", () => {
  test("has the same ports, keys and issuer key", async () => {
    const first = await start();
    const { deployment, objectStore, issuer, ports } = first;
    const token = await issuer.tokenFor("ada");
    await stop(first);
    const second = await start();
    expect(second.ports).toEqual(ports);
    expect(second.notices).toEqual([]);
    expect(second.deployment).toMatchObject({ url: deployment.url, adminKey: deployment.adminKey });
    expect(second.objectStore.credentials).toEqual(objectStore.credentials);
    const jwks: unknown = await (await fetch(`${second.issuer.issuer}/jwks.json`)).json();
    const kid = (JSON.parse(Buffer.from(token.split(".")[0]!, "base64url").toString()) as { kid: string })
      .kid;
    expect(jwks).toMatchObject({ keys: [{ kid }] });
  });

  test("leaves credentials to their owner alone, and cannot be taken for an identity", async () => {
    const stack = await start();
    for (const file of ["credentials.json", "stack.lock", "issuer/signing-key.json"]) {
      expect((await stat(path.join(dataDir, file))).mode & 0o077, file).toBe(0);
    }
    expect(stack.deployment.adminKey).toMatch(/^local\|[0-9a-f]{48}$/);
    expect(stack.objectStore.credentials.accessKeyId).toHaveLength(20);
    expect(stack.objectStore.credentials.secretAccessKey).toHaveLength(40);
  });

  test("takes another port when the last one is in use, and says so", async () => {
    const first = await start();
    const { cloud } = first.ports;
    await stop(first);
    const other = await occupy(cloud);
    const second = await start({ ports: { site: 0, s3: 0, issuer: 0 } });
    expect(second.ports.cloud).not.toBe(cloud);
    expect(second.notices).toEqual([
      `Port ${cloud} is in use, so the deployment listens on ${second.ports.cloud}.`,
    ]);
    await other.free();
  });

  test("names a damaged file instead of making new keys over it", async () => {
    await stop(await start());
    await writeFile(path.join(dataDir, "credentials.json"), '{"adminKey":');
    await expect(start()).rejects.toMatchObject({
      code: "DATA_DIR_DAMAGED",
      message: expect.stringContaining("credentials.json") as string,
    });
  });
});

describe("a port that was asked for", () => {
  test.each(["cloud", "site", "s3", "issuer"] as const)(
    "fails the start when %s's is in use, naming the port and the flag, and leaves nothing running",
    async (service) => {
      const other = await occupy();
      const failing = start({ ports: { cloud: 0, site: 0, s3: 0, issuer: 0, [service]: other.port } });
      await expect(failing).rejects.toMatchObject({ code: "PORT_BUSY" });
      await expect(failing).rejects.toThrow(new RegExp(`${other.port}.*--${service}-port`));
      await other.free();
      const stack = await start({ ports: { cloud: 0, site: 0, s3: 0, issuer: 0, [service]: other.port } });
      expect(stack.ports[service]).toBe(other.port);
    },
  );
});

describe("the lock of the data directory", () => {
  test("refuses a second stack of the same process", async () => {
    await start();
    await expect(start()).rejects.toMatchObject({ code: "DATA_DIR_IN_USE" });
  });

  test("is taken over from a process that is gone, and from one whose id is another's now", async () => {
    const lock = path.join(dataDir, "stack.lock");
    await writeFile(lock, JSON.stringify({ pid: 2 ** 22 + 1, startedAt: null, instance: "gone" }));
    await stop(await start());
    await writeFile(lock, JSON.stringify({ pid: process.ppid, startedAt: "0", instance: "recycled" }));
    await stop(await start());
    await writeFile(lock, "cut sho");
    await start();
    expect(JSON.parse(await readFile(lock, "utf8"))).toMatchObject({ pid: process.pid });
  });

  test("goes to one of several that start at once", async () => {
    await writeFile(
      path.join(dataDir, "stack.lock"),
      JSON.stringify({ pid: 2 ** 22 + 1, startedAt: null, instance: "x" }),
    );
    const starts = await Promise.allSettled([start(), start(), start()]);
    expect(starts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const failed of starts) {
      if (failed.status === "rejected") expect(failed.reason).toMatchObject({ code: "DATA_DIR_IN_USE" });
    }
  });
});

describe("outages", () => {
  test("of one service leave the others serving, and heal on the same port", async () => {
    const stack = await start();
    const client = s3(stack);
    const up = {
      deployment: async () => (await fetch(`${stack.deployment.url}/version`)).ok,
      objectStore: async () => (await client.send(new HeadBucketCommand({ Bucket: "media" }))).$metadata,
      issuer: async () => (await fetch(`${stack.issuer.issuer}/.well-known/openid-configuration`)).ok,
    };
    for (const down of ["deployment", "objectStore", "issuer"] as const) {
      await stack[down].stop();
      for (const [service, isUp] of Object.entries(up)) {
        if (service === down) await expect(isUp(), `${service} while ${down} is down`).rejects.toThrow();
        else expect(await isUp()).toBeTruthy();
      }
      await stack[down].start();
      expect(await up[down]()).toBeTruthy();
    }
    client.destroy();
  });

  test("a stop drops a request that waits, and stopping or starting twice does nothing", async () => {
    const stack = await start();
    const { url, adminKey, stop: stopDeployment, start: startDeployment } = stack.deployment;
    const waiting = fetch(`${url}/api/stream_function_logs?cursor=${Date.now() + 1e6}`, {
      headers: { Authorization: `Convex ${adminKey}` },
    });
    const dropped = expect(waiting).rejects.toThrow("fetch failed");
    expect((await fetch(`${url}/version`)).status).toBe(200);
    await Promise.all([stopDeployment(), stopDeployment()]);
    await dropped;
    await Promise.all([startDeployment(), startDeployment()]);
    expect((await fetch(`${url}/version`)).status).toBe(200);
  });

  test("the buckets asked for are there", async () => {
    const stack = await start({ buckets: ["media", "drafts"] });
    const client = s3(stack);
    const { Buckets } = await client.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name).sort()).toEqual(["drafts", "media"]);
    client.destroy();
  });
});
