/** Child process of the durability test: commits without pause and prints the number of each commit when it is told done. */
import { writeSync } from "node:fs";
import { openDatabase } from "../../../../local/deployment/database/open.ts";

const database = openDatabase({ dataDir: process.argv[2]! });
let document: string | null = null;
for (let n = 1; ; n++) {
  const transaction = database.begin({ writable: true });
  transaction.insert("rows", { n, text: "x".repeat(n % 500) });
  // One document that every commit rewrites: it must never be older than a row.
  if (document === null) document = transaction.insert("newest", { n });
  else transaction.patch(document, { n });
  const { ts } = database.commit(transaction, { put: [[`answers/${n}`, { n }]] });
  writeSync(1, `${n} ${ts}\n`);
}
