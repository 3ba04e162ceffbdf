import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  BUCKET,
  connect,
  CREDENTIALS,
  MIB,
  patternBytes,
  removeDirectory,
  startIn,
  temporaryDirectory,
} from "./fixture.ts";

const BASE_BYTES = 64 * 1024;
/** Every write has content of its own, and tells its turn by its length. */
const seedOf = (round: number, writer: number, turn: number): number =>
  round * 1_000_000 + writer * 10_000 + turn;

let dataDir: string;
let child: ChildProcess | undefined;
beforeEach(async () => {
  dataDir = await temporaryDirectory();
});
afterEach(async () => {
  if (child !== undefined) await kill(child);
  await removeDirectory(dataDir);
});

async function kill(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  process.kill("SIGKILL");
  await once(process, "exit");
}

/** A store in a process of its own, so that it can be killed without a chance to tidy up. */
async function startChild(): Promise<{ endpoint: string }> {
  const module = path.resolve(import.meta.dirname, "../../../local/object-store/index.ts");
  const options = { dataDir, credentials: CREDENTIALS, buckets: [BUCKET] };
  const program = `import { startObjectStore } from ${JSON.stringify(module)};
    console.log((await startObjectStore(${JSON.stringify(options)})).endpoint);`;
  child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const complaint = text(child.stderr!);
  const [endpoint] = (await Promise.race([
    once(createInterface({ input: child.stdout! }), "line"),
    once(child, "exit").then(async () => Promise.reject(new Error(await complaint))),
  ])) as [string];
  return { endpoint };
}

async function readAll(s3: S3Client, keys: Iterable<string>): Promise<Map<string, Buffer>> {
  const contents = new Map<string, Buffer>();
  for (const Key of keys) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
    contents.set(Key, Buffer.from(await Body!.transformToByteArray()));
  }
  return contents;
}

describe("kill -9", () => {
  test(
    "[G1] every acknowledged write is whole afterwards, and no half object is ever seen",
    { timeout: 60_000 },
    async () => {
      const acknowledged = new Map<string, number>();
      for (const round of [1, 2]) {
        const s3 = connect(await startChild());
        let isRunning = true;
        const writers = Array.from({ length: 8 }, async (_, writer) => {
          for (let turn = 0; isRunning; turn++) {
            // Every third write replaces an object, so that replacement is in flight at the kill, too.
            const Key = `w${writer}/${turn % 3 === 0 ? "same" : `${round}-${turn}`}`;
            const seed = seedOf(round, writer, turn);
            try {
              await s3.send(
                new PutObjectCommand({ Bucket: BUCKET, Key, Body: patternBytes(BASE_BYTES + turn, seed) }),
              );
              acknowledged.set(Key, seed);
            } catch {
              isRunning = false;
            }
            if (acknowledged.size > 200 * round) await kill(child!);
          }
        });
        await Promise.all(writers);
        s3.destroy();
      }

      const store = await startIn(dataDir);
      const s3 = connect(store);
      const contents = await readAll(s3, acknowledged.keys());
      for (const [key, seed] of acknowledged) {
        const content = contents.get(key)!;
        // Of a key written again and again, a replacement that was never acknowledged may have won; whole, then.
        const turn = content.length - BASE_BYTES;
        const writer = Number(key.slice(1, 2));
        const possible = key.endsWith("/same") ? [1, 2].map((round) => seedOf(round, writer, turn)) : [seed];
        expect(
          possible.some((other) => content.equals(patternBytes(content.length, other))),
          key,
        ).toBe(true);
      }
      const listed = await s3.send(new ListObjectsV2Command({ Bucket: BUCKET }));
      await readAll(
        s3,
        (listed.Contents ?? []).map((entry) => entry.Key!),
      );
      s3.destroy();
      await store.close();
    },
  );

  test("[G1] parts and a completed upload are there afterwards, and the directory is not thought to be in use", async () => {
    const first = connect(await startChild());
    const target = { Bucket: BUCKET, Key: "assembled" };
    const { UploadId } = await first.send(new CreateMultipartUploadCommand(target));
    const bodies = [patternBytes(5 * MIB, 1), patternBytes(1000, 2)];
    const one = await first.send(
      new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: bodies[0]! }),
    );
    await kill(child!);

    const second = connect(await startChild());
    const two = await second.send(
      new UploadPartCommand({ ...target, UploadId, PartNumber: 2, Body: bodies[1]! }),
    );
    const Parts = [
      { PartNumber: 1, ETag: one.ETag },
      { PartNumber: 2, ETag: two.ETag },
    ];
    await second.send(
      new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }),
    );
    await kill(child!);

    const third = connect(await startChild());
    const contents = await readAll(third, ["assembled"]);
    expect(contents.get("assembled")!.equals(Buffer.concat(bodies))).toBe(true);
  });
});
