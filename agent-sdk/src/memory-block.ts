/**
 * One block of memory, lent in runs of pages and never given back or grown, so that what passes through it leaves nothing
 * for the garbage collector. What is larger than all of it is lent alone, from outside.
 */
export interface MemoryBlock {
  /** Undefined while there is no room for it. */
  take: (size: number) => Buffer | undefined;
  giveBack: (buffer: Buffer) => void;
}

export function createMemoryBlock(bytes: number, pageBytes: number): MemoryBlock {
  const used = new Array<boolean>(Math.ceil(bytes / pageBytes)).fill(false);
  let memory: Buffer | undefined;
  let outside: Buffer | undefined;

  /** The lowest run that fits: pages never touched cost no memory. */
  function findRun(pages: number): number {
    let run = 0;
    const end = used.findIndex((taken) => (run = taken ? 0 : run + 1) === pages);
    return end === -1 ? -1 : end - pages + 1;
  }

  return {
    take(size) {
      if (outside !== undefined) return undefined;
      const pages = Math.ceil(size / pageBytes);
      if (pages > used.length) {
        if (used.includes(true)) return undefined;
        return (outside = Buffer.allocUnsafeSlow(size));
      }
      const first = findRun(pages);
      if (first === -1) return undefined;
      used.fill(true, first, first + pages);
      memory ??= Buffer.allocUnsafeSlow(used.length * pageBytes);
      return memory.subarray(first * pageBytes, first * pageBytes + size);
    },
    giveBack(buffer) {
      if (buffer === outside) outside = undefined;
      if (buffer.buffer !== memory?.buffer) return;
      const first = (buffer.byteOffset - memory.byteOffset) / pageBytes;
      used.fill(false, first, first + Math.ceil(buffer.length / pageBytes));
    },
  };
}
