/** The fault proxy of `reelsync/testing`, for one test. */
import { onTestFinished } from "vitest";
import { startFaultProxy as start, type FaultProxy } from "reelsync/testing";

export type { Exchange, Fault, FaultProxy } from "reelsync/testing";

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const proxy = await start(target);
  onTestFinished(() => proxy.close());
  return proxy;
}
