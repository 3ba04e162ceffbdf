/**
 * One client and everything that is asked of it, however it is asked. Knows who asked for what, so that one request can
 * be taken back, and so that stopping leaves nothing behind: what does not end in time is queued by the client.
 */
import { randomUUID } from "node:crypto";
import type * as z from "zod";
import { correlationIdSchema } from "../../../contract/asset.ts";
import type { Reelsync } from "../client.ts";
import { ReelsyncError } from "../errors.ts";
import type { Asked, Desk, Operation } from "./operations.ts";

export interface Request {
  /** Made up when the caller has none. */
  correlationId?: string | undefined;
  onProgress?: Asked["onProgress"];
}

export type Sidecar = ReturnType<typeof createSidecar>;

export function createSidecar(reelsync: Reelsync) {
  const underWay = new Map<AbortController, string>();
  let stopping = false;

  function endAll(reason: ReelsyncError, correlationId?: string): number {
    const ended = [...underWay].filter(([, own]) => correlationId === undefined || own === correlationId);
    for (const [controller] of ended) controller.abort(reason);
    return ended.length;
  }

  const desk: Desk = {
    reelsync,
    cancel: (correlationId) =>
      endAll(new ReelsyncError("ABORTED", "The request was taken back"), correlationId),
  };

  /** Everything a request does goes through here, whether it is an operation of the table or not. */
  async function attend<T>(
    { correlationId = randomUUID(), onProgress = () => undefined }: Request,
    work: (desk: Desk, asked: Asked) => Promise<T>,
  ): Promise<T> {
    if (stopping) throw new ReelsyncError("SIDECAR_UNAVAILABLE", "The sidecar is stopping");
    const controller = new AbortController();
    underWay.set(controller, parsed(correlationIdSchema, correlationId, "correlationId"));
    try {
      return await work(desk, { correlationId, signal: controller.signal, onProgress });
    } finally {
      underWay.delete(controller);
    }
  }

  return {
    reelsync,
    attend,
    perform: (operation: Operation, params: unknown, request: Request): Promise<unknown> =>
      attend(request, (at, asked) => operation.run(at, parsed(operation.params, params), asked)),
    /** Takes nothing new, gives what is under way its time, and closes the client. */
    async stop(graceMs: number): Promise<void> {
      stopping = true;
      // Not ABORTED: an upload that is out of time is queued, one that is taken back is not.
      const over = new ReelsyncError("DEADLINE_EXCEEDED", `The sidecar stops, and ${graceMs} ms are over`);
      const grace = setTimeout(() => endAll(over), graceMs);
      await reelsync.close({ graceMs }).finally(() => clearTimeout(grace));
    },
  };
}

export function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown, name = ""): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => {
    const where = [name, ...path].filter((part) => part !== "").join(".");
    return where === "" ? message : `${where}: ${message}`;
  });
  throw new ReelsyncError("INVALID_ARGUMENT", faults.join("; "));
}
