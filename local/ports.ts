/** Which ports the services listen on: those asked for, else those of the last start, else the usual ones. */
import getPort, { clearLockedPorts } from "get-port";
import * as z from "zod";
import { LocalStackError } from "./errors.ts";

export const SERVICES = ["cloud", "site", "s3", "issuer"] as const;
export type ServiceName = (typeof SERVICES)[number];
export type Ports = Record<ServiceName, number>;

export const portsSchema = z.record(z.enum(SERVICES), z.int());

const USUAL_PORTS: Ports = { cloud: 3210, site: 3211, s3: 9000, issuer: 9400 };

export interface ChosenPorts {
  ports: Ports;
  /** In plain words, what is not where it is expected. */
  notices: string[];
}

/** An asked-for port of 0 means any. */
export async function choosePorts(
  host: string,
  asked: Partial<Ports>,
  last: Ports | undefined,
): Promise<ChosenPorts> {
  // It remembers for some seconds what it has handed out, which a restart in this process must get again.
  clearLockedPorts();
  const ports: Partial<Ports> = {};
  const notices: string[] = [];
  for (const service of SERVICES) {
    const wanted = asked[service];
    const exclude = SERVICES.flatMap((other) => {
      const port = other === service ? undefined : (ports[other] ?? (asked[other] || undefined));
      return port === undefined ? [] : [port];
    });
    const expected = wanted || (last?.[service] ?? (wanted === undefined ? USUAL_PORTS[service] : 0));
    const port = await getPort({ host, exclude, ...(expected > 0 ? { port: expected } : {}) });
    if (wanted !== undefined && wanted > 0 && port !== wanted) throw portBusy(wanted, service);
    if (wanted === undefined && port !== expected) {
      notices.push(`Port ${expected} is in use, so the ${TITLES[service]} listens on ${port}.`);
    }
    ports[service] = port;
  }
  return { ports: ports as Ports, notices };
}

const TITLES: Record<ServiceName, string> = {
  cloud: "deployment",
  site: "deployment's site (HTTP actions)",
  s3: "object store",
  issuer: "issuer",
};

export function portBusy(port: number, service: ServiceName, cause?: unknown): LocalStackError {
  return new LocalStackError(
    "PORT_BUSY",
    `Port ${port} is in use, so the ${TITLES[service]} cannot listen there. ` +
      `Free it, or choose another with --${service}-port (ports.${service} in code).`,
    { cause },
  );
}
