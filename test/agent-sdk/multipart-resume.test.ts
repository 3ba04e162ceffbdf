import { createHash, randomBytes } from "node:crypto";
import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { memoryFile, openDiskFile } from "../../agent-sdk/src/file/asset-file.ts";
import { createPartLedger } from "../../agent-sdk/src/journal/part-ledger.ts";
import { MIB } from "../../contract/limits.ts";
import { tempDir } from "../support/temp-dir.ts";
import { createBytePath, startBucket } from "./support/bucket.ts";
import { startFaultProxy, type Exchange } from "./support/fault-proxy.ts";

const KEY = "a/b.mp4";
/** Four parts, so that the three that were sent can come in three pages. */
const FILM = randomBytes(3 * 16 * MIB + 123);
const OPTIONS = { multipartThreshold: 5 * MIB, maxAttempts: 1 };

type Part = Awaited<ReturnType<Awaited<ReturnType<typeof startBucket>>["parts"]>>[number];

const markerOf = ({ target }: Exchange) =>
  new URL(target, "http://s3").searchParams.get("part-number-marker") ?? "0";
const partOf = ({ method, target }: Exchange) =>
  method === "PUT" ? /partNumber=(\d+)/.exec(target)?.[1] : undefined;
const listsParts = ({ method, target }: Exchange) => method === "GET" && target.includes("uploadId=");

/** What S3 answers when a page holds one part. A next marker stands on the last page, too. */
function pageAfter(marker: string, parts: readonly Part[]): string {
  const page = parts.filter(({ number }) => number > Number(marker)).slice(0, 1);
  const last = page.at(-1)?.number ?? 0;
  const listed = page.map(
    ({ number, size, etag }) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${etag.replaceAll('"', "&quot;")}</ETag><Size>${size}</Size></Part>`,
  );
  return (
    `<?xml version="1.0" encoding="UTF-8"?><ListPartsResult><PartNumberMarker>${marker}</PartNumberMarker>` +
    `<NextPartNumberMarker>${last}</NextPartNumberMarker><MaxParts>1</MaxParts>` +
    `<IsTruncated>${parts.some(({ number }) => number > last)}</IsTruncated>${listed.join("")}</ListPartsResult>`
  );
}

test("[G1] what was sent of a multipart upload is not sent again, although the store lists it in three pages", async () => {
  const bucket = await startBucket();
  const proxy = await startFaultProxy(bucket.endpoint);
  const file = memoryFile(FILM);
  const ledger = createPartLedger();
  proxy.spoil = (exchange) => (partOf(exchange) === "4" ? { status: 500 } : undefined);
  const first = createBytePath(proxy.url, OPTIONS).store(file, { parts: ledger, keepsParts: () => true });
  await expect(first).rejects.toMatchObject({ code: "S3_UNAVAILABLE" });
  const there = await bucket.parts(KEY);
  expect(there.map(({ number }) => number)).toEqual([1, 2, 3]);

  proxy.seen.length = 0;
  proxy.spoil = (exchange) =>
    listsParts(exchange)
      ? {
          status: 200,
          headers: { "Content-Type": "application/xml" },
          body: pageAfter(markerOf(exchange), there),
        }
      : undefined;
  let counted = 0;
  await createBytePath(proxy.url, OPTIONS).store(file, {
    parts: ledger,
    onBytes: (bytes) => (counted += bytes),
  });
  expect(proxy.seen.filter(listsParts).map(markerOf)).toEqual(["0", "1", "2"]);
  expect(proxy.seen.map(partOf).filter((part) => part !== undefined)).toEqual(["4"]);
  expect(counted).toBe(FILM.length);
  expect(await bucket.sha256(KEY)).toBe(createHash("sha256").update(FILM).digest("hex"));
  expect(await bucket.multipartUploads()).toBe(0);
});

test.each([
  ["is not what it was, although it looks the same", true, ["1", "2", "3", "4"]],
  ["is the same", false, ["4"]],
])("[G2] unsigned parts prove nothing of a file that %s", async (_what, isTouched, sentAgain) => {
  const bucket = await startBucket();
  const proxy = await startFaultProxy(bucket.endpoint);
  const path = join(await tempDir(), "scene.mp4");
  await writeFile(path, FILM);
  const ledger = createPartLedger();
  const options = { ...OPTIONS, signParts: "never" } as const;
  proxy.spoil = (exchange) => (partOf(exchange) === "4" ? { status: 500 } : undefined);
  const before = await openDiskFile(path);
  const first = createBytePath(proxy.url, options).store(before, { parts: ledger, keepsParts: () => true });
  await expect(first).rejects.toMatchObject({ code: "S3_UNAVAILABLE" });
  await before.close();
  if (isTouched) await utimes(path, new Date(), new Date(Date.now() + 1000));

  proxy.seen.length = 0;
  proxy.spoil = () => undefined;
  const after = await openDiskFile(path);
  await createBytePath(proxy.url, options).store(after, { parts: ledger, again: true });
  await after.close();
  const sent = proxy.seen.map(partOf).filter((part) => part !== undefined);
  expect(sent.sort()).toEqual(sentAgain);
  expect(await bucket.sha256(KEY)).toBe(createHash("sha256").update(FILM).digest("hex"));
  expect(await bucket.multipartUploads()).toBe(0);
});
