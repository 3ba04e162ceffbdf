import type { Json } from "../values/json.ts";

/**
 * The `json` response format: what plain JSON cannot hold becomes text (lossy by nature). The caller has a result of
 * a function, so every tag is well formed.
 */
export function cleanJson(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(cleanJson);
  const entries = Object.entries(value);
  const [only] = entries;
  if (only && entries.length === 1 && typeof only[1] === "string") {
    const bytes = () => Buffer.from(only[1] as string, "base64");
    switch (only[0]) {
      case "$integer":
        return bytes().readBigInt64LE().toString();
      case "$float":
        return floatJson(bytes().readDoubleLE());
      case "$bytes":
        return only[1];
    }
  }
  return Object.fromEntries(entries.map(([name, member]) => [name, cleanJson(member)]));
}

function floatJson(value: number): Json {
  return Number.isFinite(value) ? value : String(value);
}
