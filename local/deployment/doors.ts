/**
 * Puts an engine on the network: two ports, the HTTP routes and the WebSocket. The engine is opened only after the
 * ports are taken, because functions see the addresses.
 */
import { assertAdminKey } from "./auth/admin-key.ts";
import { Authenticator } from "./auth/authenticator.ts";
import type { Engine } from "./engine.ts";
import { cloudApp } from "./http/app.ts";
import { type Door, type Listener, listen } from "../listener.ts";
import { siteApp } from "./http/site.ts";
import { SyncDoor } from "./sync/websocket.ts";

export interface DoorOptions {
  host?: string;
  /** 0, the default, takes any free port. */
  port?: number;
  sitePort?: number;
  adminKey: string;
}

export interface Deployment {
  /** For clients and the CLI. */
  url: string;
  /** Where HTTP actions are served. */
  siteUrl: string;
  adminKey: string;
  port: number;
  sitePort: number;
  /** Drops every connection at once. Starting again on the same directory and ports resumes. */
  close(): Promise<void>;
}

export async function openDoors(
  options: DoorOptions,
  openEngine: (addresses: { cloudUrl: string; siteUrl: string }) => Promise<Engine>,
): Promise<Deployment> {
  const { host = "127.0.0.1", adminKey } = options;
  assertAdminKey(adminKey);
  const cloudDoor = pending<Door>();
  const siteDoor = pending<Door>();
  const listeners: Listener[] = [];
  try {
    const cloud = await listen(host, options.port ?? 0, cloudDoor.promise);
    listeners.push(cloud);
    const site = await listen(host, options.sitePort ?? 0, siteDoor.promise);
    listeners.push(site);
    const { url } = cloud;
    const siteUrl = site.url;

    const engine = await openEngine({ cloudUrl: url, siteUrl });
    const authenticator = new Authenticator(adminKey, () => engine.authProviders());
    const sync = new SyncDoor({ engine, authenticator });
    cloudDoor.resolve({
      fetch: cloudApp(engine, authenticator, { url, siteUrl }).fetch,
      handleUpgrade: (request, socket, head) => sync.handleUpgrade(request, socket, head),
    });
    siteDoor.resolve({ fetch: siteApp(engine, authenticator, siteUrl).fetch });

    const close = async () => {
      sync.close();
      await Promise.all(listeners.map((listener) => listener.close()));
      await engine.close();
    };
    return { url, siteUrl, adminKey, port: cloud.port, sitePort: site.port, close };
  } catch (error) {
    cloudDoor.reject(error);
    siteDoor.reject(error);
    await Promise.all(listeners.map((listener) => listener.close()));
    throw error;
  }
}

function pending<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((...settle) => ([resolve, reject] = settle));
  // Whether anyone waits for it depends on whether a request came early.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
