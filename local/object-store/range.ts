/** RFC 9110 byte ranges as S3 answers them: one range per request, anything it cannot parse is ignored. */

export type RangeOutcome =
  | { kind: "full" }
  | { kind: "partial"; start: number; /** Inclusive. */ end: number }
  | { kind: "unsatisfiable" };

export function parseRange(header: string | undefined, size: number): RangeOutcome {
  const match = /^bytes=(\d*)-(\d*)$/i.exec(header?.trim() ?? "");
  const first = match?.[1] ?? "";
  const last = match?.[2] ?? "";
  if (first === "" && last === "") return { kind: "full" };

  if (first === "") {
    const length = Number(last);
    if (length === 0 || size === 0) return { kind: "unsatisfiable" };
    return { kind: "partial", start: Math.max(0, size - length), end: size - 1 };
  }
  const start = Number(first);
  const end = last === "" ? Infinity : Number(last);
  if (end < start) return { kind: "full" };
  if (start >= size) return { kind: "unsatisfiable" };
  return { kind: "partial", start, end: Math.min(end, size - 1) };
}
