/** A real outage of one service: its sockets are dropped and its port refuses, until it is started again. */
import { setTimeout as wait } from "node:timers/promises";

interface Service {
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface Outage {
  service: "S3" | "Convex";
  duringScene: string;
  downMs: number;
}

/** Stops the service at once; the returned promise resolves when it is up again. */
export async function causeOutage(
  service: Service,
  outage: { service: Outage["service"]; duringScene: string; forMs: number },
): Promise<{ over: Promise<Outage> }> {
  const stoppedAt = performance.now();
  await service.stop();
  const over = wait(outage.forMs)
    .then(() => service.start())
    .then(() => ({
      service: outage.service,
      duringScene: outage.duringScene,
      downMs: Math.round(performance.now() - stoppedAt),
    }));
  return { over };
}
