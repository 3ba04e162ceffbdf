import { portBusy, type ServiceName } from "./ports.ts";

export interface Service<T> {
  /** The running instance, or the last one while it is stopped. */
  current: () => T;
  /** A real outage: connections are dropped and the port is closed. */
  stop: () => Promise<void>;
  /** Ends the outage, on the same port and data. */
  start: () => Promise<void>;
}

/** `open` is called for every start; `port` only names what is in the way when that fails. */
export async function runService<T extends { close(): Promise<void> }>(
  name: ServiceName,
  port: number,
  open: () => Promise<T>,
): Promise<Service<T>> {
  const openOrExplain = async () => {
    try {
      return await open();
    } catch (error) {
      const { code, port: busy = port } = error as NodeJS.ErrnoException & { port?: number };
      throw code === "EADDRINUSE" ? portBusy(busy, name, error) : error;
    }
  };
  let instance = await openOrExplain();
  let running = true;
  // Stops and starts follow one another in the order asked, however they are awaited.
  let last: Promise<void> = Promise.resolve();
  const afterLast = (step: () => Promise<void>) => {
    const done = last.then(step);
    last = done.catch(() => undefined);
    return done;
  };
  return {
    current: () => instance,
    stop: () =>
      afterLast(async () => {
        if (!running) return;
        running = false;
        await instance.close();
      }),
    start: () =>
      afterLast(async () => {
        if (running) return;
        instance = await openOrExplain();
        running = true;
      }),
  };
}
