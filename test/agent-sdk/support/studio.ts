/**
 * The whole product on the local stack for one test file: a tenant, an agent's environment, and a way to read what is
 * really recorded and stored. Everything goes through the SDK under test or through official clients.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { createReelsync, type Mode, type Reelsync, type ReelsyncEvent, type ReelsyncOptions } from "reelsync";
import { BUCKET, startReelsyncStack, type ReelsyncStack } from "../../../demo/stack.ts";
import { lookInto } from "./bucket.ts";

export interface Studio {
  stack: ReelsyncStack;
  /**
   * A client of the running test's own, with folders for its journal and its dead letters; closed when the test ends.
   * It is strict, so that a test sees what fails; `queueing` is the default one.
   */
  client: (options?: ReelsyncOptions) => Client<"strict">;
  queueing: (options?: ReelsyncOptions) => Client;
  /** A fresh session with one scene. */
  scene: (reelsync: Reelsync) => Promise<{ sessionId: string; sceneId: string }>;
  file: (name: string, bytes: Uint8Array | string) => Promise<string>;
  bucket: ReturnType<typeof lookInto>;
  rows: (table: string) => Promise<Record<string, unknown>[]>;
  /** Everything a failed call could have changed. */
  snapshot: () => Promise<unknown>;
}

export interface Client<M extends Mode = Mode> {
  reelsync: Reelsync<M>;
  events: ReelsyncEvent[];
  deadLetterDir: string;
  journalDir: string;
}

type Folders = Pick<ReelsyncOptions, "deadLetterDir" | "journalDir">;

/** Quick enough for a test, and still the same layers. */
export const QUICK_RETRY = { attempts: 3, baseDelayMs: 20, maxDelayMs: 2_000 };

export function startStudio(): Studio {
  let directory: string;
  let stack: ReelsyncStack;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "reelsync-studio-"));
    stack = await startReelsyncStack({
      dataDir: join(directory, "stack"),
      ports: { cloud: 0, site: 0, s3: 0, issuer: 0 },
    });
  }, 120_000);
  afterAll(async () => {
    await stack.close();
    await rm(directory, { recursive: true, force: true });
  });

  let count = 0;
  const rows = async (table: string): Promise<Record<string, unknown>[]> => {
    const answer = (await stack.runAsOperator("_system/cli/tableData:default", {
      table,
      order: "asc",
      paginationOpts: { cursor: null, numItems: 1000 },
    })) as { page: Record<string, unknown>[] };
    return answer.page;
  };
  const bucket = () => {
    const { endpoint, credentials } = stack.local.objectStore;
    return lookInto(endpoint, credentials, BUCKET);
  };

  const folders = () => ({
    deadLetterDir: join(directory, `letters-${++count}`),
    journalDir: join(directory, `journal-${count}`),
  });
  const attend = <M extends Mode>(reelsync: Reelsync<M>, options: Required<Folders>): Client<M> => {
    const events: ReelsyncEvent[] = [];
    reelsync.on((event) => events.push(event));
    onTestFinished(() => reelsync.close());
    return { reelsync, events, deadLetterDir: options.deadLetterDir, journalDir: options.journalDir };
  };

  return {
    get stack() {
      return stack;
    },
    get bucket() {
      return bucket();
    },
    rows,
    client(options = {}) {
      const all = { env: stack.agentEnv, retry: QUICK_RETRY, ...folders(), ...options };
      return attend(createReelsync({ ...all, mode: "strict" }), all);
    },
    queueing(options = {}) {
      const all = { env: stack.agentEnv, retry: QUICK_RETRY, ...folders(), ...options };
      return attend(createReelsync(all), all);
    },
    async scene(reelsync) {
      const sessionKey = `run-${++count}`;
      const { sessionId } = await reelsync.createSession({ title: "Reel", project: "demo", sessionKey });
      const { sceneId } = await reelsync.upsertScene({
        sessionId,
        sceneKey: "intro",
        index: 0,
        title: "Intro",
      });
      return { sessionId, sceneId };
    },
    async file(name, bytes) {
      const path = join(await mkdtemp(join(directory, "file-")), name);
      await writeFile(path, bytes);
      return path;
    },
    async snapshot() {
      const tables = ["assets", "uploadCalls", "deadLetters", "usage", "scenes", "sessions", "deleteQueue"];
      const contents = await Promise.all(tables.map(async (table) => [table, await rows(table)] as const));
      return { ...Object.fromEntries(contents), keys: await bucket().keys() };
    },
  };
}
