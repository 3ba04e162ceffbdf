import { describe, expect, test } from "vitest";
import { createTransferSlots } from "../../agent-sdk/src/s3/transfer-slots.ts";
import { MIB } from "../../contract/limits.ts";

const never = new AbortController().signal;

/** A piece of work that lasts until it is told to end. */
function held() {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  return { begun, end: () => end(), work: async () => (begin(), ended) };
}

describe("transfer slots", () => {
  test("no more bytes are held at once than allowed, whatever their sizes", async () => {
    const slots = createTransferSlots({ requests: 100, bytes: 64 * MIB });
    let inUse = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const size = (1 + (index % 16)) * MIB;
        await slots.run([size], never, async ([buffer]) => {
          expect(buffer?.length).toBe(size);
          inUse += buffer?.buffer.byteLength ?? 0;
          most = Math.max(most, inUse);
          await new Promise(setImmediate);
          inUse -= buffer?.buffer.byteLength ?? 0;
        });
      }),
    );
    expect(most).toBeLessThanOrEqual(64 * MIB);
    expect(most).toBeGreaterThan(32 * MIB);
  });

  test("no more requests run at once than allowed, and they start in the order they came", async () => {
    const slots = createTransferSlots({ requests: 2, bytes: MIB });
    const order: number[] = [];
    const pieces = [held(), held(), held()];
    const runs = pieces.map((piece, index) =>
      slots.run([], never, async () => {
        order.push(index);
        await piece.work();
      }),
    );
    await pieces[1]?.begun;
    expect(order).toEqual([0, 1]);
    pieces[0]?.end();
    await pieces[2]?.begun;
    expect(order).toEqual([0, 1, 2]);
    for (const piece of pieces) piece.end();
    await Promise.all(runs);
  });

  test("a demand above the limit is served alone instead of never", async () => {
    const slots = createTransferSlots({ requests: 8, bytes: MIB });
    const small = held();
    const running = slots.run([1024], never, small.work);
    let served = false;
    const large = slots.run([8 * MIB], never, async ([buffer]) => void (served = buffer?.length === 8 * MIB));
    expect(served).toBe(false);
    small.end();
    await Promise.all([running, large]);
    expect(served).toBe(true);
  });

  test("who is cancelled while waiting leaves the queue, and the next one follows", async () => {
    const slots = createTransferSlots({ requests: 1, bytes: MIB });
    const first = held();
    const running = slots.run([], never, first.work);
    const controller = new AbortController();
    const reason = new Error("cancelled");
    const waiting = slots.run([], controller.signal, async () => "never");
    const last = slots.run([], never, async () => "last");
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    first.end();
    await running;
    await expect(last).resolves.toBe("last");
  });

  test("work that throws gives its slot back", async () => {
    const slots = createTransferSlots({ requests: 1, bytes: MIB });
    await expect(slots.run([MIB], never, async () => Promise.reject(new Error("x")))).rejects.toThrow("x");
    await expect(slots.run([MIB], never, async () => "ok")).resolves.toBe("ok");
  });
});
