/** `reelsync/testing`: a client whose services are in memory, and ways to make real and fake services fail. */
export {
  createFakeReelsync,
  type FakeOptions,
  type FakeReelsync,
  type RecordedCall,
} from "./fake-reelsync.ts";
export { startFaultProxy, type Exchange, type Fault, type FaultProxy } from "./fault-proxy.ts";
export type { Faults } from "./injected-faults.ts";
export type { FakeAsset, FakeScene, FakeSession } from "./memory-deployment.ts";
