/**
 * Which of many byte intervals contain a key, in time logarithmic in their number plus the size of the answer. A treap
 * ordered by lower then upper end, where every node knows the greatest upper end below it. Watches with the same
 * interval (a list many clients look at) share one node.
 */
import type { Interval } from "./index-scan.ts";

interface Node extends Interval {
  readonly priority: number;
  readonly watches: Set<number>;
  left: Node | null;
  right: Node | null;
  greatestUpper: Uint8Array | null;
}

export class IntervalTree {
  private root: Node | null = null;

  get isEmpty(): boolean {
    return this.root === null;
  }

  add(interval: Interval, watch: number): void {
    this.root = insert(this.root, interval, watch);
  }

  remove(interval: Interval, watch: number): void {
    this.root = remove(this.root, interval, watch);
  }

  collect(key: Uint8Array, watches: Set<number>): void {
    collect(this.root, key, watches);
  }
}

function collect(node: Node | null, key: Uint8Array, watches: Set<number>): void {
  if (node === null || !isBelow(key, node.greatestUpper)) return;
  collect(node.left, key, watches);
  if (Buffer.compare(node.lower, key) > 0) return;
  if (isBelow(key, node.upper)) for (const watch of node.watches) watches.add(watch);
  collect(node.right, key, watches);
}

function insert(node: Node | null, interval: Interval, watch: number): Node {
  if (node === null) {
    const { lower, upper } = interval;
    const watches = new Set([watch]);
    return { lower, upper, priority: Math.random(), watches, left: null, right: null, greatestUpper: upper };
  }
  const order = compareIntervals(interval, node);
  if (order === 0) {
    node.watches.add(watch);
    return node;
  }
  if (order < 0) {
    node.left = insert(node.left, interval, watch);
    return node.left.priority > node.priority ? rotateRight(node) : measure(node);
  }
  node.right = insert(node.right, interval, watch);
  return node.right.priority > node.priority ? rotateLeft(node) : measure(node);
}

function remove(node: Node | null, interval: Interval, watch: number): Node | null {
  if (node === null) return null;
  const order = compareIntervals(interval, node);
  if (order < 0) node.left = remove(node.left, interval, watch);
  else if (order > 0) node.right = remove(node.right, interval, watch);
  else {
    node.watches.delete(watch);
    return node.watches.size > 0 ? node : merge(node.left, node.right);
  }
  return measure(node);
}

/** Joins two trees of which the first lies before the second. */
function merge(left: Node | null, right: Node | null): Node | null {
  if (left === null) return right;
  if (right === null) return left;
  if (left.priority > right.priority) {
    left.right = merge(left.right, right);
    return measure(left);
  }
  right.left = merge(left, right.left);
  return measure(right);
}

function rotateRight(node: Node): Node {
  const top = node.left!;
  node.left = top.right;
  top.right = measure(node);
  return measure(top);
}

function rotateLeft(node: Node): Node {
  const top = node.right!;
  node.right = top.left;
  top.left = measure(node);
  return measure(top);
}

function measure(node: Node): Node {
  let greatest = node.upper;
  for (const child of [node.left, node.right]) {
    if (child && greatest && isBelow(greatest, child.greatestUpper)) greatest = child.greatestUpper;
  }
  node.greatestUpper = greatest;
  return node;
}

/** Whether a key lies before an upper end; null is beyond every key. */
function isBelow(key: Uint8Array, upper: Uint8Array | null): boolean {
  return upper === null || Buffer.compare(key, upper) < 0;
}

function compareIntervals(a: Interval, b: Interval): number {
  const order = Buffer.compare(a.lower, b.lower);
  if (order !== 0) return order;
  if (a.upper === null || b.upper === null) return Number(a.upper === null) - Number(b.upper === null);
  return Buffer.compare(a.upper, b.upper);
}
