/**
 * The whole product on this machine: the local stack, this project's functions on it, one tenant with people of every
 * role, and an agent key. The only place where the local stack and Reelsync meet.
 *
 *   {dataDir}/             the local stack's own files, see local/paths.ts
 *   {dataDir}/reelsync/    agent-jwt.json, agent-key, pushed (what was pushed last); storage/ is the folder of
 *                          STORAGE_TYPE=LOCAL, storage-signing-key signs its URLs
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startLocalStack } from "../local/index.ts";
import { loadAgentJwtKeys } from "./agent-jwt.ts";
import { openLocalFiles, type LocalFiles } from "./local-files.ts";
import { pushFunctions } from "./push.ts";

export const BUCKET = "reelsync";
export const CLIENT_ID = "reelsync-web";
export const TENANT = "studio";

export const PEOPLE = [
  { subject: "ada", name: "Ada Okafor", email: "ada@studio.example", role: "owner", note: "owns the studio" },
  {
    subject: "edgar",
    name: "Edgar Lindqvist",
    email: "edgar@studio.example",
    role: "editor",
    note: "edits scenes",
  },
  {
    subject: "vera",
    name: "Vera Santos",
    email: "vera@studio.example",
    role: "viewer",
    note: "only watches",
  },
  {
    subject: "noor",
    name: "Noor Haddad",
    email: "noor@elsewhere.example",
    role: null,
    note: "member of nothing",
  },
] as const;
type Subject = (typeof PEOPLE)[number]["subject"];

export interface StackOptions {
  dataDir: string;
  /** Where the agent keeps its files: the bucket, or a folder. Both are there, whichever it is. */
  storage?: "s3" | "local";
  ports?: Partial<Record<"cloud" | "site" | "s3" | "issuer", number | undefined>>;
  /** Told in plain words what is being waited for. */
  onProgress?: (text: string) => void;
}

type LocalStack = Awaited<ReturnType<typeof startLocalStack>>;

export interface ReelsyncStack {
  local: LocalStack;
  /** What an agent's environment holds; give it to `createReelsync({ env })` or a child process. */
  agentEnv: Record<string, string>;
  /** The folder that agents with STORAGE_TYPE=LOCAL keep their files in. */
  storageDir: string;
  tenantId: string;
  /** An id token of one of PEOPLE, for scripts and tests. */
  tokenFor: (subject: Subject, options?: { ttlSeconds?: number }) => Promise<string>;
  /** Runs any function as the operator, internal ones included. */
  runAsOperator: (path: string, args: Record<string, unknown>) => Promise<unknown>;
  setEnv: (values: Record<string, string | null>) => Promise<void>;
  close: () => Promise<void>;
}

export async function startReelsyncStack(options: StackOptions): Promise<ReelsyncStack> {
  const say = options.onProgress ?? (() => undefined);
  const ownDir = join(options.dataDir, "reelsync");
  await mkdir(ownDir, { recursive: true });

  say("starting the local Convex deployment, object store and sign-in");
  const local = await startLocalStack({
    dataDir: options.dataDir,
    ports: requested(options.ports),
    buckets: [BUCKET],
    clientId: CLIENT_ID,
    people: PEOPLE.map(({ subject, name, email, role }) => ({
      subject,
      name,
      email,
      note: role ?? "no membership",
    })),
  });
  for (const notice of local.notices) say(notice);
  let files: LocalFiles | undefined;
  try {
    files = await openLocalFiles(ownDir);
    const operator = createOperator(local);
    const keys = await loadAgentJwtKeys(join(ownDir, "agent-jwt.json"));
    await operator.setEnv({ ...deploymentEnv(local, keys), ...files.env });

    say("putting the functions of convex/ on it");
    const { url, adminKey } = local.deployment;
    await pushFunctions({ url, adminKey, stampFile: join(ownDir, "pushed") });

    const { tenantId, agentKey } = await bootstrap(
      operator.run,
      local.issuer.issuer,
      join(ownDir, "agent-key"),
    );
    return {
      local,
      storageDir: files.dir,
      tenantId,
      agentEnv: {
        ...agentEnv(local, agentKey),
        ...files.env,
        STORAGE_LOCAL_DIR: files.dir,
        ...(options.storage === "local" && { STORAGE_TYPE: "LOCAL" }),
      },
      tokenFor: (subject, tokenOptions) => local.issuer.tokenFor(subject, tokenOptions),
      runAsOperator: operator.run,
      setEnv: operator.setEnv,
      close: async () => {
        await files?.close();
        await local.close();
      },
    };
  } catch (error) {
    await files?.close();
    await local.close();
    throw error;
  }
}

function requested(ports: StackOptions["ports"] = {}): Record<string, number> {
  return Object.fromEntries(
    Object.entries(ports).flatMap(([name, port]) => (port === undefined ? [] : [[name, port]])),
  );
}

/** Variables of the Convex deployment: who may sign in, who signs agent tokens, where the bytes are. */
function deploymentEnv(
  local: LocalStack,
  keys: { privateKey: string; jwks: string },
): Record<string, string> {
  return {
    AUTH_PROVIDERS: JSON.stringify([{ domain: local.issuer.issuer, applicationID: CLIENT_ID }]),
    AGENT_JWT_ISSUER: "https://agents.reelsync.example",
    AGENT_JWT_JWKS: keys.jwks,
    AGENT_JWT_PRIVATE_KEY: keys.privateKey,
    ...storageEnv(local),
  };
}

function storageEnv(local: LocalStack): Record<string, string> {
  return {
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: local.objectStore.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: local.objectStore.credentials.secretAccessKey,
    S3_BUCKET: BUCKET,
    S3_ENDPOINT_URL: local.objectStore.endpoint,
    S3_FORCE_PATH_STYLE: "true",
  };
}

function agentEnv(local: LocalStack, agentKey: string): Record<string, string> {
  return {
    CONVEX_URL: local.deployment.url,
    CONVEX_SITE_URL: local.deployment.siteUrl,
    REELSYNC_AGENT_KEY: agentKey,
    ...storageEnv(local),
  };
}

type RunFunction = ReelsyncStack["runAsOperator"];

async function bootstrap(run: RunFunction, issuer: string, keyFile: string) {
  const storedKey = await readFile(keyFile, "utf8").catch(() => undefined);
  const result = (await run("setup:bootstrap", {
    tenant: TENANT,
    tenantName: "Studio",
    members: PEOPLE.flatMap(({ subject, name, email, role }) =>
      role === null ? [] : [{ tokenIdentifier: `${issuer}|${subject}`, name, email, role }],
    ),
    ...(storedKey === undefined && { agentKey: { name: "demo agent" } }),
  })) as { tenantId: string; agentKey?: string };
  const agentKey = storedKey ?? result.agentKey;
  if (agentKey === undefined) throw new Error("setup:bootstrap returned no agent key");
  if (storedKey === undefined) await writeFile(keyFile, agentKey, { mode: 0o600 });
  return { tenantId: result.tenantId, agentKey };
}

/** The operator's two doors, the same that the official CLI uses for `run` and `env set`. */
function createOperator(local: LocalStack) {
  const post = async (path: string, body: unknown): Promise<unknown> => {
    const response = await fetch(`${local.deployment.url}${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Convex ${local.deployment.adminKey}` },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
    return text === "" ? null : JSON.parse(text);
  };
  const setEnv = async (values: Record<string, string | null>): Promise<void> => {
    const changes = Object.entries(values).map(([name, value]) => ({ name, value }));
    await post("/api/update_environment_variables", { changes });
  };
  const run = async (path: string, args: Record<string, unknown>): Promise<unknown> => {
    const answer = (await post("/api/function", { path, args: [args], format: "json" })) as
      { status: "success"; value: unknown } | { status: "error"; errorMessage: string };
    if (answer.status === "error") throw new Error(`${path} failed: ${answer.errorMessage}`);
    return answer.value;
  };
  return { setEnv, run };
}
