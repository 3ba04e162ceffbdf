/** The tables one transaction sees: its component's committed ones and those it has written the first document to. */
import { decodeId, IdError, tableNumberOf } from "../values/id.ts";
import { encodeKey } from "../values/order.ts";
import type { ValidationContext } from "../values/matcher.ts";
import type { Catalog, Table } from "./catalog.ts";
import { DatabaseError } from "./database.ts";
import { checkTableName } from "./document-shape.ts";

/** Where a document is, or would be. */
export interface Place {
  readonly id: string;
  readonly table: Table;
  readonly idKey: Uint8Array;
}

export class VisibleTables implements ValidationContext {
  readonly added: Table[] = [];

  constructor(
    private readonly catalog: () => Catalog,
    readonly component: string,
  ) {}

  find(name: string): Table | undefined {
    return this.catalog().table(this.component, name) ?? this.added.find((table) => table.name === name);
  }

  findOrAdd(name: string): Table {
    const found = this.find(name);
    if (found) return found;
    checkTableName(name);
    const table = this.catalog().newTable(this.component, name);
    this.added.push(table);
    return table;
  }

  tableOf(id: string): string | null {
    const number = tableNumberOf(id);
    return number === null ? null : (this.numbered(number)?.name ?? null);
  }

  /** Null for an id whose table is unknown; an error for text that is no id or an id of another table. */
  place(
    method: "get" | "patch" | "replace" | "delete",
    id: string,
    expected: string | undefined,
  ): Place | null {
    const invalid = `Invalid argument \`id\` for \`db.${method}\``;
    let number: number;
    try {
      number = decodeId(id).table;
    } catch (error) {
      if (error instanceof IdError) throw new DatabaseError(`${invalid}: ${error.message}`);
      throw error;
    }
    const table = this.numbered(number);
    if (!table) return null;
    if (expected !== undefined && expected !== table.name) {
      throw new DatabaseError(
        `${invalid}, expected to be an Id<"${expected}">, got Id<"${table.name}"> instead.`,
      );
    }
    return { id, table, idKey: encodeKey([id]) };
  }

  private numbered(number: number): Table | undefined {
    const table = this.catalog().tableNumbered(number) ?? this.added.find((added) => added.number === number);
    return table?.component === this.component ? table : undefined;
  }
}
