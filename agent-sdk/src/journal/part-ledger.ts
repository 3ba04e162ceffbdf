/**
 * What S3 has acknowledged of one multipart upload, so that another process can go on with it. Append-only:
 *
 *   {"s3UploadId":…,"key":…,"partSize":…,"mark"?:…}\n     written when S3 has named the upload
 *   {number} {etag}\n                            one line for each acknowledged part
 *
 * A torn last line is passed over: S3 itself is asked for its parts before any is counted. Nothing is synced, because a
 * line that is missing costs one part sent again, no more.
 */
import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as z from "zod";

const headSchema = z.object({
  s3UploadId: z.string().min(1),
  key: z.string().min(1),
  partSize: z.number().int().min(1),
  /** Of the file its parts are taken from; absent where each is signed with the digest of its own bytes. */
  mark: z.string().min(1).optional(),
});

export type MultipartHead = z.infer<typeof headSchema>;

export interface OpenMultipart extends MultipartHead {
  etags: Map<number, string>;
}

export interface PartLedger {
  /** The upload that can be gone on with. */
  readonly open: OpenMultipart | undefined;
  begin: (head: MultipartHead) => void;
  acknowledge: (number: number, etag: string) => void;
  forget: () => void;
  /** From now on, and with what is known so far, in this file. */
  keepIn: (path: string) => void;
}

export function createPartLedger(): PartLedger {
  let path: string | undefined;
  let open: OpenMultipart | undefined;

  /** A ledger that cannot be written costs bytes sent twice, never an upload. */
  function onDisk(write: (path: string) => void): void {
    if (path === undefined) return;
    try {
      write(path);
    } catch {
      path = undefined;
    }
  }

  return {
    get open() {
      return open;
    },
    begin(head) {
      open = { ...head, etags: new Map() };
      onDisk((file) => writeFileSync(file, `${JSON.stringify(head)}\n`, { mode: 0o600 }));
    },
    acknowledge(number, etag) {
      open?.etags.set(number, etag);
      onDisk((file) => appendFileSync(file, `${number} ${etag}\n`));
    },
    forget() {
      open = undefined;
      onDisk((file) => rmSync(file, { force: true }));
    },
    keepIn(file) {
      path = file;
      if (open === undefined) open = readLedger(file);
      else onDisk((target) => writeFileSync(target, serialize(open as OpenMultipart), { mode: 0o600 }));
    },
  };
}

function serialize({ etags, ...head }: OpenMultipart): string {
  const lines = [...etags].map(([number, etag]) => `${number} ${etag}\n`);
  return `${JSON.stringify(head)}\n${lines.join("")}`;
}

function readLedger(path: string): OpenMultipart | undefined {
  try {
    const [first = "", ...lines] = readFileSync(path, "utf8").split("\n");
    const head = headSchema.parse(JSON.parse(first));
    const etags = new Map<number, string>();
    // What follows the last newline is empty or torn.
    for (const line of lines.slice(0, -1)) {
      const [, number, etag] = /^(\d+) (\S+)$/.exec(line) ?? [];
      if (number !== undefined && etag !== undefined) etags.set(Number(number), etag);
    }
    return { ...head, etags };
  } catch {
    return undefined;
  }
}
