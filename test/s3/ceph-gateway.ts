/**
 * A Ceph object gateway of the running process's own, from Debian's packages: one monitor, one OSD that keeps everything
 * in memory, one gateway. All of it listens on loopback only, writes into one temporary folder, and dies with its parent.
 *
 *   {folder}/ceph.conf      read by every program through CEPH_CONF
 *   {folder}/{mon,osd}/     the daemons' own data; the OSD's is small, its objects are in memory
 *   {folder}/*.log          shown when something does not start
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import getPort from "get-port";
import { GIB, SECOND } from "../../contract/limits.ts";
import { makeCertificate } from "../support/certificate.ts";

export interface Gateway {
  endpoint: string;
  /** The same gateway over TLS; `ca` is the path of the authority's certificate, for NODE_EXTRA_CA_CERTS. */
  tls: { endpoint: string; ca: string };
  credentials: { accessKeyId: string; secretAccessKey: string };
  /** Frees the memory of deleted objects now, not hours later. */
  collectGarbage: () => Promise<void>;
  close: () => Promise<void>;
}

export const INSTALL_GATEWAY = "apt-get install --no-install-recommends radosgw ceph-mon ceph-osd";

const PROGRAMS = [
  "ceph",
  "ceph-mon",
  "ceph-osd",
  "monmaptool",
  "openssl",
  "radosgw",
  "radosgw-admin",
  "setpriv",
] as const;
type Program = (typeof PROGRAMS)[number];

const HOST = "127.0.0.1";
const MEMORY_BYTES = 4 * GIB;
const START_TIMEOUT_MS = 60 * SECOND;
const CREDENTIALS = { accessKeyId: "CEPHTESTACCESSKEY", secretAccessKey: "ceph-test-secret-of-nothing" };

const run = promisify(execFile);

/** What has to be installed before a gateway can start; empty when everything is there. */
export function missingPrograms(): Program[] {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return PROGRAMS.filter((program) => !folders.some((folder) => isExecutable(join(folder, program))));
}

export async function startGateway(): Promise<Gateway> {
  const folder = await mkdtemp(join(tmpdir(), "reelsync-ceph-"));
  const daemons: ChildProcess[] = [];
  const close = async () => {
    await Promise.all(daemons.map(kill));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const { endpoint, tls } = await bringUp(folder, daemons);
    const collectGarbage = async () => {
      const env = { ...process.env, CEPH_CONF: join(folder, "ceph.conf") };
      await run("radosgw-admin", ["gc", "process", "--include-all"], { env });
    };
    return { endpoint, tls, credentials: CREDENTIALS, collectGarbage, close };
  } catch (error) {
    const logs = await lastLines(folder);
    await close();
    throw new Error(`The Ceph gateway did not start: ${String(error)}\n${logs}`, { cause: error });
  }
}

async function bringUp(folder: string, daemons: ChildProcess[]): Promise<Pick<Gateway, "endpoint" | "tls">> {
  const monitor = `[v2:${HOST}:${await getPort({ host: HOST })}/0]`;
  const [clear, tls] = [await getPort({ host: HOST }), await getPort({ host: HOST })];
  const cluster = randomUUID();
  const device = randomUUID();
  const env = { ...process.env, CEPH_CONF: join(folder, "ceph.conf") };
  const call = (program: Program, ...args: string[]) =>
    run(program, args, { env, timeout: START_TIMEOUT_MS, killSignal: "SIGKILL" });
  const start = (program: Program, ...args: string[]) => {
    // A daemon must not outlive this process, however that one ends.
    const daemon = spawn("setpriv", ["--pdeathsig", "KILL", program, "--foreground", ...args], {
      env,
      stdio: "ignore",
    });
    daemons.push(daemon);
  };

  await Promise.all(["mon", "osd", "rgw"].map((name) => mkdir(join(folder, name))));
  await writeFile(env.CEPH_CONF, configuration({ folder, cluster, monitor }));

  const monitorMap = join(folder, "monmap");
  await call("monmaptool", "--create", "--fsid", cluster, "--addv", "a", monitor, monitorMap);
  await call("ceph-mon", "--id", "a", "--mkfs", "--monmap", monitorMap);
  start("ceph-mon", "--id", "a");
  await call("ceph", "osd", "new", device);

  await call("ceph-osd", "--id", "0", "--mkfs", "--osd-uuid", device);
  start("ceph-osd", "--id", "0");
  // Answered only once the OSD is up, because it creates the gateway's pools.
  const { accessKeyId, secretAccessKey } = CREDENTIALS;
  const key = ["--access-key", accessKeyId, "--secret-key", secretAccessKey];
  await call("radosgw-admin", "user", "create", "--uid", "agent", "--display-name", "agent", ...key);

  const { key: privateKey, certificate } = await makeCertificate(folder, `IP:${HOST}`);
  const frontend = [
    `beast endpoint=${HOST}:${clear} ssl_endpoint=${HOST}:${tls}`,
    `ssl_certificate=${certificate} ssl_private_key=${privateKey}`,
  ];
  start("radosgw", "--name", "client.gateway", "--rgw-frontends", frontend.join(" "));
  const endpoint = `http://${HOST}:${clear}`;
  await untilAnswering(endpoint);
  return { endpoint, tls: { endpoint: `https://${HOST}:${tls}`, ca: certificate } };
}

function configuration(at: { folder: string; cluster: string; monitor: string }): string {
  const settings = {
    fsid: at.cluster,
    mon_host: at.monitor,
    public_addr: HOST,
    cluster_addr: HOST,
    ms_bind_ipv6: false,
    // Nobody else reaches it, so its parts need not prove who they are. The gateway alone insists on encryption unless told.
    auth_cluster_required: "none",
    auth_service_required: "none",
    auth_client_required: "none",
    ms_mon_client_mode: "crc",
    mon_data: join(at.folder, "mon"),
    osd_data: join(at.folder, "osd"),
    rgw_data: join(at.folder, "rgw"),
    run_dir: at.folder,
    crash_dir: at.folder,
    log_file: join(at.folder, "$name.log"),
    admin_socket: join(at.folder, "$name.asok"),
    pid_file: "",
    osd_objectstore: "memstore",
    memstore_device_bytes: MEMORY_BYTES,
    osd_pool_default_size: 1,
    osd_pool_default_min_size: 1,
    osd_pool_default_pg_num: 8,
    osd_pool_default_pg_autoscale_mode: "off",
    osd_crush_chooseleaf_type: 0,
    mon_allow_pool_size_one: true,
    // Waits of a second each, which only make sense between several monitors.
    paxos_propose_interval: 0.05,
    paxos_min_wait: 0.01,
    // It warns and then stops when the disk is nearly full, and this cluster needs none of it.
    mon_data_avail_crit: 0,
  };
  return ["[global]", ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`), ""].join(
    "\n",
  );
}

async function untilAnswering(endpoint: string): Promise<void> {
  const until = Date.now() + START_TIMEOUT_MS;
  while (!(await isAnswering(endpoint))) {
    if (Date.now() > until) throw new Error(`no answer from ${endpoint} for ${START_TIMEOUT_MS} ms`);
    await pause(50);
  }
}

function isAnswering(endpoint: string): Promise<boolean> {
  return new Promise((resolve) => {
    get(endpoint, (reply) => {
      reply.resume();
      resolve(reply.statusCode === 200);
    }).once("error", () => resolve(false));
  });
}

/** By force: asked politely, the OSD would first write its memory to the disk. */
async function kill(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null || daemon.pid === undefined) return;
  const gone = new Promise<void>((resolve) => void daemon.once("exit", () => resolve()));
  daemon.kill("SIGKILL");
  await gone;
}

async function lastLines(folder: string): Promise<string> {
  const logs = ["mon.a", "osd.0", "client.gateway"].map(async (name) => {
    const text = await readFile(join(folder, `${name}.log`), "utf8").catch(() => "");
    return `--- ${name}\n${text.split("\n").slice(-8).join("\n")}`;
  });
  return (await Promise.all(logs)).join("\n");
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
