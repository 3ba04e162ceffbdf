/** What one function execution may read and write, and the count of it so far. */
import { DatabaseError, type TransactionMetrics } from "./database.ts";

type Metric = keyof TransactionMetrics;

const MIB = 1024 * 1024;

const LIMITS: Record<Metric, number> = {
  bytesRead: 16 * MIB,
  bytesWritten: 16 * MIB,
  databaseQueries: 4096,
  documentsRead: 32_000,
  documentsWritten: 16_000,
  functionsScheduled: 1000,
  scheduledFunctionArgsBytes: 16 * MIB,
};

const READ_LESS = "Use an index range that selects fewer documents, a smaller limit, or pagination.";
const WRITE_LESS = "Split the work over several mutations.";

const TOO_MANY: Record<Metric, (limit: number) => string> = {
  bytesRead: (limit) =>
    `Too many bytes read in a single function execution (limit: ${limit} bytes). ${READ_LESS}`,
  bytesWritten: (limit) =>
    `Too many bytes written in a single function execution (limit: ${limit} bytes). ${WRITE_LESS}`,
  databaseQueries: (limit) =>
    `Too many reads in a single function execution (limit: ${limit}). Use fewer queries and gets.`,
  documentsRead: (limit) =>
    `Too many documents read in a single function execution (limit: ${limit}). ${READ_LESS}`,
  documentsWritten: (limit) =>
    `Too many writes in a single function execution (limit: ${limit}). ${WRITE_LESS}`,
  functionsScheduled: (limit) => `Too many functions scheduled by this mutation (limit: ${limit})`,
  scheduledFunctionArgsBytes: (limit) =>
    `Too large total size of the arguments of functions scheduled by this mutation (limit: ${limit} bytes)`,
};

export class Usage {
  private readonly used: Record<Metric, number> = {
    bytesRead: 0,
    bytesWritten: 0,
    databaseQueries: 0,
    documentsRead: 0,
    documentsWritten: 0,
    functionsScheduled: 0,
    scheduledFunctionArgsBytes: 0,
  };

  charge(metric: Metric, amount = 1): void {
    this.used[metric] += amount;
    if (this.used[metric] > LIMITS[metric]) throw new DatabaseError(TOO_MANY[metric](LIMITS[metric]));
  }

  /** Undone writes no longer count; what was read was read. */
  markWrites(): () => void {
    const { bytesWritten, documentsWritten, functionsScheduled, scheduledFunctionArgsBytes } = this.used;
    const mark = { bytesWritten, documentsWritten, functionsScheduled, scheduledFunctionArgsBytes };
    return () => void Object.assign(this.used, mark);
  }

  metrics(): TransactionMetrics {
    const entries = Object.entries(this.used).map(([metric, used]) => {
      const remaining = Math.max(0, LIMITS[metric as Metric] - used);
      return [metric, { used, remaining }] as const;
    });
    return Object.fromEntries(entries) as TransactionMetrics;
  }
}
