/** Chance that repeats itself: the same words draw the same numbers, on every machine. */
import { createHash } from "node:crypto";

export interface Random {
  /** At least 0, below 1. */
  next: () => number;
  /** Both ends included. */
  int: (min: number, max: number) => number;
  chance: (probability: number) => boolean;
  pick: <T>(list: readonly T[]) => T;
  shuffled: <T>(list: readonly T[]) => T[];
}

/** Words that differ anywhere draw unrelated numbers, so a decision depends on what it is about and not on how many came before. */
export function seededRandom(...words: readonly (string | number)[]): Random {
  let state = createHash("sha256").update(words.join("/")).digest().readUInt32LE(0);
  // mulberry32: 32 bits of state are plenty for a schedule of a few hundred draws.
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick(list) {
      const picked = list[int(0, list.length - 1)];
      if (picked === undefined) throw new RangeError("nothing to pick from");
      return picked;
    },
    shuffled(list) {
      const rest = [...list];
      const order: typeof rest = [];
      while (rest.length > 0) order.push(...rest.splice(int(0, rest.length - 1), 1));
      return order;
    },
  };
}
