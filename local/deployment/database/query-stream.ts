/** The operators of a query over an index scan: filters and limits in the order they were written. */
import type { Json } from "../values/json.ts";
import { DatabaseError, type Document, type QueryJson } from "./database.ts";
import { compileFilter } from "./filter.ts";
import type { IndexScan } from "./index-scan.ts";
import type { DocumentText } from "./stored-document.ts";

const MAX_OPERATORS = 256;

type Operator = { accepts: (document: Document) => boolean } | { left: number };

/** `scan` is null when nothing can match. */
export class QueryStream implements Iterator<DocumentText, undefined> {
  private readonly operators: Operator[];

  constructor(
    readonly scan: IndexScan | null,
    operators: QueryJson["operators"],
  ) {
    if (operators.length > MAX_OPERATORS) {
      throw new DatabaseError(
        `A query can have at most ${MAX_OPERATORS} operators, got ${operators.length}.`,
      );
    }
    this.operators = operators.map(compileOperator);
  }

  next(): IteratorResult<DocumentText, undefined> {
    if (this.scan === null) return { done: true, value: undefined };
    for (;;) {
      // Before reading: the document after the last one wanted must not become a dependency.
      if (this.operators.some((operator) => "left" in operator && operator.left === 0)) break;
      const document = this.scan.next();
      if (document === null) break;
      if (this.passes(document)) return { done: false, value: document };
    }
    return { done: true, value: undefined };
  }

  private passes(candidate: DocumentText): boolean {
    for (const operator of this.operators) {
      if ("left" in operator) {
        if (operator.left === 0) return false;
        operator.left--;
      } else if (!operator.accepts(candidate.document)) return false;
    }
    return true;
  }
}

function compileOperator(operator: { filter: Json } | { limit: number }): Operator {
  if ("filter" in operator) return { accepts: compileFilter(operator.filter) };
  if (!Number.isInteger(operator.limit) || operator.limit < 0) {
    throw new DatabaseError(`The limit of a query must be a non-negative integer, got ${operator.limit}.`);
  }
  return { left: operator.limit };
}
