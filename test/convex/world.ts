/** Two tenants with people, agents and a reel each, on the real functions; what a test needs to speak as one of them. */
import { convexTest } from "convex-test";
import type { TestConvex } from "convex-test";
import { ConvexError } from "convex/values";
import { vi } from "vitest";
import { api, internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import schema from "../../convex/schema.ts";
import type { AssetIntent, StoredObject, UnhashedIntent } from "../../contract/asset.ts";
import type { Refusal } from "../../contract/error-code.ts";
import type { Role } from "../../contract/session.ts";

export const modules = import.meta.glob("../../convex/**/*.{ts,js}");

export const AGENT_ISSUER = "https://agents.test";
export const BUCKET = "reels";

export type Deployment = TestConvex<typeof schema>;
export type Speaker = ReturnType<Deployment["withIdentity"]>;

export interface Tenant {
  tenantId: Id<"tenants">;
  agent: Speaker;
  agentKey: string;
  people: Record<Role, Speaker>;
  sessionId: Id<"sessions">;
  sceneId: Id<"scenes">;
}

export function configure(): void {
  vi.stubEnv("AGENT_JWT_ISSUER", AGENT_ISSUER);
  vi.stubEnv("S3_BUCKET", BUCKET);
  vi.stubEnv("S3_BASE_PREFIX", "");
  vi.stubEnv("S3_VIDEO_PREFIX", "");
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test-key");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test-secret");
  vi.stubEnv("S3_ENDPOINT_URL", "http://127.0.0.1:9");
  vi.stubEnv("S3_FORCE_PATH_STYLE", "true");
}

export function deployment(): Deployment {
  configure();
  return convexTest({ schema, modules });
}

const ROLES = ["owner", "admin", "editor", "viewer"] as const;

/** A tenant as `setup:bootstrap` makes one, with an agent, somebody in every role, and a session with a scene. */
export async function addTenant(t: Deployment, slug: string): Promise<Tenant> {
  const { tenantId, agentKey } = await t.action(internal.setup.bootstrap, {
    tenant: slug,
    tenantName: slug.toUpperCase(),
    members: ROLES.map((role) => ({
      tokenIdentifier: `https://people.test|${slug}-${role}`,
      name: `${role} of ${slug}`,
      role,
    })),
    agentKey: { name: `renderer of ${slug}` },
  });
  const agent = await agentOf(t, tenantId);
  const { sessionId } = await agent.mutation(api.sessions.create, {
    project: "reels",
    sessionKey: "run-1",
    title: "First run",
  });
  const { sceneId } = await agent.mutation(api.scenes.upsert, {
    sessionId,
    sceneKey: "intro",
    index: 0,
    title: "Intro",
  });
  return {
    tenantId,
    agent,
    agentKey: agentKey ?? "",
    people: Object.fromEntries(ROLES.map((role) => [role, person(t, `${slug}-${role}`)])) as Tenant["people"],
    sessionId,
    sceneId,
  };
}

export function person(t: Deployment, subject: string): Speaker {
  return t.withIdentity({
    issuer: "https://people.test",
    subject,
    tokenIdentifier: `https://people.test|${subject}`,
    name: subject,
  });
}

/** Speaks with the tenant's first agent key. */
export async function agentOf(t: Deployment, tenantId: Id<"tenants">): Promise<Speaker> {
  const key = await t.run(async (ctx) => {
    const keys = await ctx.db.query("agentKeys").take(100);
    return keys.find((one) => one.tenantId === tenantId);
  });
  return t.withIdentity({ issuer: AGENT_ISSUER, subject: key?._id ?? "", tenantId });
}

let uploads = 0;

/** A valid intent for a chunk of the scene; every call is an upload of its own. */
export function intentFor(tenant: Pick<Tenant, "sceneId">, over: Partial<AssetIntent> = {}): AssetIntent {
  uploads += 1;
  return {
    uploadId: uploadIdOf(uploads),
    entityType: "scene",
    entityId: tenant.sceneId,
    assetType: "video_chunk",
    chunkIndex: 0,
    fileName: "Scene 01.mp4",
    contentType: "video/mp4",
    size: 1000,
    sha256: shaOf(uploads),
    durationMs: 2000,
    ...over,
  };
}

export function uploadIdOf(number: number): string {
  return `${number.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`;
}

export function shaOf(number: number): string {
  return number.toString(16).padStart(64, "0").split("").reverse().join("");
}

export function storedAs(intent: Pick<AssetIntent, "size">, over: Partial<StoredObject> = {}): StoredObject {
  return { bucket: BUCKET, etag: '"etag"', size: intent.size, ...over };
}

/** A begin that opens a version, or finds one. */
export async function beginOpen(speaker: Speaker, intent: UnhashedIntent) {
  const answer = await speaker.mutation(api.assets.begin, intent);
  if (answer.status === "hash_first") throw new Error("the deployment asks for the hash");
  return answer;
}

/** The whole line without bytes: begin and commit. */
export async function publish(speaker: Speaker, intent: AssetIntent) {
  const opened = await beginOpen(speaker, intent);
  if (opened.status !== "pending") return { ...opened, committed: null };
  const committed = await speaker.mutation(api.assets.commit, {
    assetId: opened.assetId,
    object: storedAs(intent),
  });
  return { ...opened, committed };
}

/** The refusal a call ends with; fails the test if it ends otherwise. */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  const fault: unknown = await call.then(
    () => new Error("expected a refusal, but the call succeeded"),
    (reason: unknown) => reason,
  );
  return refusalIn(fault);
}

/** convex-test hands on a ConvexError's data as the JSON it would be on the wire. */
export function refusalIn(fault: unknown): Refusal {
  if (!(fault instanceof ConvexError)) throw fault;
  const data: unknown = fault.data;
  return (typeof data === "string" ? JSON.parse(data) : data) as Refusal;
}

/** Everything in the database, for "nothing changed". */
export async function everything(t: Deployment): Promise<string> {
  return t.run(async (ctx) => {
    const tables = Object.keys(schema.tables) as (keyof typeof schema.tables)[];
    const rows = await Promise.all(
      tables.map(async (table) => [table, await ctx.db.query(table).take(10_000)] as const),
    );
    return JSON.stringify(rows);
  });
}

export const FIRST_PAGE = { numItems: 50, cursor: null };
