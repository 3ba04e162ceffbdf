/**
 * Documents as of the newest commit that were read or written lately, by id. A query that runs again, because something
 * it reads has changed, finds nearly all of its documents here. The database tells it of every commit.
 *
 * Two generations: what is used while the younger one fills up survives, the rest goes.
 */
import type { DocumentText } from "./stored-document.ts";

/** Characters of text; a decoded document takes several times as much memory. */
const GENERATION = 8 * 1024 * 1024;

export class DocumentCache {
  private young = new Map<string, DocumentText>();
  private old = new Map<string, DocumentText>();
  private youngSize = 0;

  get(id: string): DocumentText | undefined {
    const young = this.young.get(id);
    if (young) return young;
    const old = this.old.get(id);
    if (old) this.set(id, old);
    return old;
  }

  set(id: string, document: DocumentText): void {
    this.youngSize += document.text.length - (this.young.get(id)?.text.length ?? 0);
    this.young.set(id, document);
    if (this.youngSize < GENERATION) return;
    this.old = this.young;
    this.young = new Map();
    this.youngSize = 0;
  }

  delete(id: string): void {
    this.youngSize -= this.young.get(id)?.text.length ?? 0;
    this.young.delete(id);
    this.old.delete(id);
  }
}
