/** [G2] Bucket and records: no committed record without its bytes, no object without a record. */
import { isCommitted, isUnhashed, type Evidence, type Violation } from "./evidence.ts";

export function checkBytes({ found, object, isWished }: Evidence): Violation[] {
  const violations: Violation[] = [];
  const add = (check: string, what: string) => violations.push({ guarantee: "G2", check, what });
  for (const row of found.assets.filter(isCommitted)) {
    const stored = object(row.s3Key);
    const name = `${row._id} (version ${row.version}, ${row.status})`;
    if (stored === undefined) add("record-without-object", `${name}: nothing at ${row.s3Key}`);
    else if (stored.sha256 !== row.checksum || stored.size !== row.size) {
      add("record-other-bytes", `${name}: ${row.s3Key} holds ${stored.size} other bytes`);
    }
  }
  const recorded = new Map(found.assets.map((row) => [row.s3Key, row]));
  for (const { key, sha256, size } of found.objects) {
    const row = recorded.get(key);
    if (row === undefined) add("object-without-record", key);
    // Given up before its hash was told; the key is its upload's own.
    else if (isUnhashed(row) && isWished({ sha256, size: row.size }) && size === row.size) continue;
    else if (row.checksum !== sha256) add("object-other-bytes", `${key} is recorded with ${row.checksum}`);
  }
  return violations;
}
