/**
 * Bounds on what pushed code may take. Unlike the hosted product the limit on queries and mutations is wall-clock time
 * (a laptop busy with a build must not fail functions), so it is set wider than the hosted one second of CPU time.
 */
export interface EngineLimits {
  /** One query or mutation, nested calls included. */
  functionMs: number;
  actionMs: number;
  nodeActionMs: number;
  /** An action worker whose event loop answers nothing for this long is taken for a busy loop and ended. */
  unresponsiveMs: number;
  heapMb: number;
  /** Actions interleaved in one worker before another worker is started. */
  actionsPerWorker: number;
  actionWorkers: number;
  nestingDepth: number;
}

export const defaultLimits: EngineLimits = {
  functionMs: 5_000,
  actionMs: 30 * 60_000,
  nodeActionMs: 10 * 60_000,
  unresponsiveMs: 10_000,
  heapMb: 512,
  actionsPerWorker: 16,
  actionWorkers: 4,
  nestingDepth: 8,
};
