/**
 * The local stack: a Convex-compatible deployment, an S3-compatible object store and a development issuer, in one
 * process and one data directory. Knows no app: functions come by the official CLI, people and buckets as options.
 */
import { type Deployment, startDeployment } from "./deployment/index.ts";
import { loadCredentials } from "./credentials.ts";
import { lockDataDir } from "./data-dir-lock.ts";
import { type Issuer, type Person, startIssuer } from "./issuer/index.ts";
import { startObjectStore } from "./object-store/index.ts";
import { openDataDir, readState, writeState } from "./paths.ts";
import { choosePorts, type Ports, portsSchema } from "./ports.ts";
import { runService } from "./service.ts";

export { LocalStackError } from "./errors.ts";
export type { Person } from "./issuer/index.ts";

export interface LocalStackOptions {
  dataDir: string;
  host?: string;
  /** A port given here is used or the start fails; 0 takes any. Without one, the last start's or the usual one is preferred. */
  ports?: Partial<Ports>;
  buckets: readonly string[];
  clientId: string;
  people: readonly Person[];
  /** Origins that may read the object store from a browser; without them, any. */
  corsOrigins?: readonly string[];
  tokenTtlSeconds?: number;
}

interface Outages {
  /** Makes a real outage: every connection is dropped, the port refuses. */
  stop: () => Promise<void>;
  /** Heals it: same port, same data. */
  start: () => Promise<void>;
}

export interface LocalStack {
  deployment: Pick<Deployment, "url" | "siteUrl" | "adminKey"> & Outages;
  objectStore: {
    endpoint: string;
    region: string;
    credentials: { accessKeyId: string; secretAccessKey: string };
    buckets: readonly string[];
  } & Outages;
  issuer: Pick<Issuer, "issuer" | "clientId" | "tokenFor"> & Outages;
  ports: Ports;
  /** What the person who started it should know, such as a port that was taken. */
  notices: readonly string[];
  close(): Promise<void>;
}

const REGION = "us-east-1";

export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const { dataDir, host = "127.0.0.1", buckets, clientId, people } = options;
  const paths = await openDataDir(dataDir);
  const lock = await lockDataDir(paths.lock);
  const opened: Outages[] = [];
  const close = async () => {
    try {
      await Promise.all(opened.map((service) => service.stop()));
    } finally {
      await lock.release();
    }
  };
  try {
    const { adminKey, s3: credentials } = await loadCredentials(paths.credentials);
    const lastPorts = await readState(paths.ports, portsSchema);
    const { ports, notices } = await choosePorts(host, options.ports ?? {}, lastPorts);

    const issuer = await runService("issuer", ports.issuer, () =>
      startIssuer({
        dataDir: paths.issuer,
        host,
        port: ports.issuer,
        clientId,
        people,
        ...(options.tokenTtlSeconds === undefined ? {} : { tokenTtlSeconds: options.tokenTtlSeconds }),
      }),
    );
    opened.push(issuer);
    const objectStore = await runService("s3", ports.s3, () =>
      startObjectStore({
        dataDir: paths.objectStore,
        host,
        port: ports.s3,
        credentials,
        buckets: [...buckets],
        ...(options.corsOrigins === undefined ? {} : { corsOrigins: [...options.corsOrigins] }),
      }),
    );
    opened.push(objectStore);
    const deployment = await runService("cloud", ports.cloud, () =>
      startDeployment({
        dataDir: paths.deployment,
        host,
        port: ports.cloud,
        sitePort: ports.site,
        adminKey,
      }),
    );
    opened.push(deployment);
    await writeState(paths.ports, ports);

    const { url, siteUrl } = deployment.current();
    return {
      deployment: { url, siteUrl, adminKey, stop: deployment.stop, start: deployment.start },
      objectStore: {
        endpoint: objectStore.current().endpoint,
        region: REGION,
        credentials,
        buckets,
        stop: objectStore.stop,
        start: objectStore.start,
      },
      issuer: {
        issuer: issuer.current().issuer,
        clientId,
        tokenFor: (subject, tokenOptions) => issuer.current().tokenFor(subject, tokenOptions),
        stop: issuer.stop,
        start: issuer.start,
      },
      ports,
      notices,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
