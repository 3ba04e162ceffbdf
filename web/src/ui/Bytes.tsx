import { formatBytes, formatExactBytes } from "./format.ts";

export function Bytes({ value }: { value: number }) {
  return <span title={formatExactBytes(value)}>{formatBytes(value)}</span>;
}
