/** The world with a real bucket under it: the local object store over loopback, reached by the backend's own actions. Node environment only. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, vi } from "vitest";
import type { AssetIntent } from "../../contract/asset.ts";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { startObjectStore } from "../../local/object-store/index.ts";
import type { ObjectStore } from "../../local/object-store/index.ts";
import { addTenant, beginOpen, BUCKET, deployment, FIRST_PAGE, intentFor, storedAs } from "./world.ts";
import type { Deployment, Tenant } from "./world.ts";

const credentials = { accessKeyId: "local-access-key", secretAccessKey: "local-secret-key-for-tests" };

export class BucketWorld {
  readonly t: Deployment;
  readonly slug: string;
  readonly acme: Tenant;
  readonly #s3: S3Client;

  constructor(t: Deployment, slug: string, acme: Tenant, s3: S3Client) {
    this.t = t;
    this.slug = slug;
    this.acme = acme;
    this.#s3 = s3;
  }

  async put(s3Key: string, body: string): Promise<void> {
    await this.#s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: s3Key, Body: body }));
  }

  async remove(s3Key: string): Promise<void> {
    await this.#s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: s3Key }));
  }

  async read(s3Key: string): Promise<string | undefined> {
    const answer = await this.#s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: s3Key }));
    return answer.Body?.transformToString();
  }

  async keysUnder(prefix: string): Promise<string[]> {
    const answer = await this.#s3.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: prefix }));
    return (answer.Contents ?? []).map((one) => one.Key ?? "");
  }

  /** The whole line, bytes included. */
  async upload(body: string, over: Partial<AssetIntent> = {}) {
    const intent = intentFor(this.acme, { size: body.length, ...over });
    const opened = await beginOpen(this.acme.agent, intent);
    await this.put(opened.s3Key, body);
    await this.acme.agent.mutation(api.assets.commit, {
      assetId: opened.assetId,
      object: storedAs(intent),
    });
    return { ...opened, intent };
  }

  async reportOf(runId: Id<"reconcileRuns">) {
    return this.acme.people.admin.query(api.reconcile.report, { runId });
  }

  async findingsOf(runId: Id<"reconcileRuns">) {
    const { page } = await this.acme.people.admin.query(api.reconcile.findings, {
      runId,
      paginationOpts: { ...FIRST_PAGE, numItems: 200 },
    });
    return page;
  }

  async compare(graceMs = 0) {
    // A grace of 0 judges what is older than now, and stores keep whole milliseconds or even seconds.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2_000 });
    try {
      const { runId } = await this.acme.people.admin.mutation(api.reconcile.start, { graceMs });
      const report = await this.#rested(runId);
      return { runId, report, findings: await this.findingsOf(runId) };
    } finally {
      vi.useRealTimers();
    }
  }

  async apply(runId: Id<"reconcileRuns">, findingIds: string[]) {
    const answer = await this.acme.people.admin.mutation(api.reconcile.apply, { runId, findingIds });
    if (answer.scheduled > 0) await this.#rested(runId);
    return answer;
  }

  /** Lets the run's scheduled actions happen until it rests. */
  async #rested(runId: Id<"reconcileRuns">) {
    for (;;) {
      await this.t.finishInProgressScheduledFunctions();
      const report = await this.reportOf(runId);
      if (report.status !== "running" && report.status !== "applying") return report;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** Registers the hooks of a suite; the function it answers gives the current test's world. */
export function useBucketWorld(): () => BucketWorld {
  let dataDir: string;
  let server: ObjectStore;
  let s3: S3Client;
  let world: BucketWorld;
  let worlds = 0;

  beforeAll(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), "reelsync-reconcile-"));
    server = await startObjectStore({ dataDir, credentials, buckets: [BUCKET] });
    s3 = new S3Client({
      region: "us-east-1",
      endpoint: server.endpoint,
      credentials,
      forcePathStyle: true,
    });
  });

  afterAll(async () => {
    s3.destroy();
    await server.close();
    await rm(dataDir, { recursive: true });
  });

  beforeEach(async () => {
    const t = deployment();
    vi.stubEnv("S3_ENDPOINT_URL", server.endpoint);
    vi.stubEnv("AWS_ACCESS_KEY_ID", credentials.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", credentials.secretAccessKey);
    // The bucket outlives a test: each has a tenant, and so a prefix, of its own.
    worlds += 1;
    const slug = `acme-${worlds}`;
    world = new BucketWorld(t, slug, await addTenant(t, slug), s3);
  });

  return () => world;
}
