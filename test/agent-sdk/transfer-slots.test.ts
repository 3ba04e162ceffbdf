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
  test("no more bytes are held at once than allowed, and nobody's bytes are anybody else's", async () => {
    const slots = createTransferSlots({ requests: 100, bytes: 64 * MIB });
    const blocks = new Set<ArrayBufferLike>();
    let inUse = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 120 }, async (_, index) => {
        const size = index % 3 === 0 ? 1000 + index : (1 + (index % 40)) * MIB - index;
        await slots.run([size], never, async ([buffer]) => {
          if (buffer === undefined) throw new Error("no buffer");
          expect(buffer.length).toBe(size);
          blocks.add(buffer.buffer);
          inUse += size;
          most = Math.max(most, inUse);
          buffer.fill(index);
          await new Promise(setImmediate);
          expect(buffer.equals(Buffer.alloc(size, index))).toBe(true);
          inUse -= size;
        });
      }),
    );
    expect(most).toBeLessThanOrEqual(64 * MIB);
    expect(most).toBeGreaterThan(32 * MIB);
    expect(blocks.size).toBe(1);
  });

  test("several buffers of one request come together", async () => {
    const slots = createTransferSlots({ requests: 1, bytes: 4 * MIB });
    await slots.run([2 * MIB, 1000], never, async ([first, second]) => {
      first?.fill(1);
      second?.fill(2);
      expect([first?.length, second?.length]).toEqual([2 * MIB, 1000]);
      expect(first?.equals(Buffer.alloc(2 * MIB, 1))).toBe(true);
    });
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
