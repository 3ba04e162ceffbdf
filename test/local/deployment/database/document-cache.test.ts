import { expect, test } from "vitest";
import { DocumentCache } from "../../../../local/deployment/database/document-cache.ts";
import { DocumentText } from "../../../../local/deployment/database/stored-document.ts";
import { mutate, openTemporary } from "./fixture.ts";

const MIB = 1024 * 1024;
const document = (id: string, size: number) =>
  new DocumentText(JSON.stringify({ _id: id, _creationTime: 1, text: "x".repeat(size) }));

test("a full cache lets go of what was not used, and keeps what was", () => {
  const cache = new DocumentCache();
  const used = document("used", 10);
  cache.set("used", used);
  cache.set("unused", document("unused", 10));
  for (let i = 0; i < 40; i++) {
    cache.set(`large ${i}`, document(`large ${i}`, MIB));
    expect(cache.get("used")).toBe(used);
  }
  expect(cache.get("unused")).toBeUndefined();
  expect(cache.get("large 39")).toBeDefined();
});

test("a removed document is gone from both generations", () => {
  const cache = new DocumentCache();
  cache.set("a", document("a", 10));
  cache.set("large", document("large", 9 * MIB));
  expect(cache.get("a")).toBeDefined();
  cache.delete("a");
  expect(cache.get("a")).toBeUndefined();
});

test("a transaction that is dropped or rolled back leaves what others read as it was", () => {
  const database = openTemporary();
  const id = mutate(database, (transaction) => transaction.insert("t", { n: 1 }));
  const dropped = database.begin({ writable: true });
  dropped.patch(id, { n: 2 });
  expect(database.begin({ writable: false }).get(id)!.document).toMatchObject({ n: 1 });
  const rolledBack = database.begin({ writable: true });
  const savepoint = rolledBack.savepoint();
  rolledBack.remove(id);
  savepoint.rollback();
  rolledBack.insert("t", { n: 9 });
  database.commit(rolledBack);
  const { text, document: kept } = database.begin({ writable: false }).get(id)!;
  expect(kept).toMatchObject({ n: 1 });
  expect(JSON.parse(text)).toEqual(kept);
});
