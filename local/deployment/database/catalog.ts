/**
 * Which tables and indexes exist and under which numbers their rows lie. Numbers are given once and kept; a table
 * appears with its first document or with a schema and never goes away.
 */
import { SYSTEM_TABLES } from "./system-tables.ts";

const FIRST_TABLE_NUMBER = 10_001;

export interface Index {
  readonly name: string;
  readonly table: Table;
  /** Names the index in read sets. Made of names, not numbers, so that it also exists for a table that does not yet. */
  readonly label: string;
  readonly number: number;
  /** As declared, without the implicit `_creationTime` and `_id`. */
  readonly declared: readonly string[];
  /** Everything the key is made of. */
  readonly fields: readonly string[];
  readonly paths: readonly (readonly string[])[];
}

export interface Table {
  readonly component: string;
  readonly name: string;
  readonly number: number;
  readonly isSystem: boolean;
  readonly byId: Index;
  readonly byCreationTime: Index;
  /** Every index except `byId`, whose rows are the documents themselves. */
  indexes: readonly Index[];
}

interface StoredTable {
  component: string;
  name: string;
  number: number;
  indexes: { name: string; fields: string[]; number: number }[];
}

interface StoredCatalog {
  nextTable: number;
  nextIndex: number;
  tables: StoredTable[];
}

export class Catalog {
  private nextTable = FIRST_TABLE_NUMBER;
  private nextIndex = 1;
  private readonly byName = new Map<string, Table>();
  private readonly byNumber = new Map<number, Table>();

  static load(json: string | undefined): Catalog {
    const catalog = new Catalog();
    if (json !== undefined) {
      const stored = JSON.parse(json) as StoredCatalog;
      for (const table of stored.tables) catalog.add(revive(table));
      catalog.nextTable = stored.nextTable;
      catalog.nextIndex = stored.nextIndex;
    }
    for (const { name, number } of SYSTEM_TABLES) {
      if (!catalog.table("", name)) catalog.add(catalog.newTable("", name, number));
    }
    return catalog;
  }

  toJson(): string {
    const stored: StoredCatalog = {
      nextTable: this.nextTable,
      nextIndex: this.nextIndex,
      tables: [...this.byName.values()].map(({ component, name, number, indexes }) => ({
        component,
        name,
        number,
        indexes: indexes.map((index) => ({
          name: index.name,
          fields: [...index.declared],
          number: index.number,
        })),
      })),
    };
    return JSON.stringify(stored);
  }

  table(component: string, name: string): Table | undefined {
    return this.byName.get(`${component}/${name}`);
  }

  tableNumbered(number: number): Table | undefined {
    return this.byNumber.get(number);
  }

  tables(): Iterable<Table> {
    return this.byName.values();
  }

  /** Numbers a table without adding it: it becomes real when the transaction that wrote to it commits. */
  newTable(component: string, name: string, number = this.nextTable++): Table {
    return revive({
      component,
      name,
      number,
      indexes: [{ name: "by_creation_time", fields: [], number: this.nextIndex++ }],
    });
  }

  newIndex(table: Table, name: string, fields: readonly string[]): Index {
    return makeIndex(table, name, fields, this.nextIndex++);
  }

  add(table: Table): void {
    this.byName.set(`${table.component}/${table.name}`, table);
    this.byNumber.set(table.number, table);
  }
}

export function indexLabel(component: string, table: string, index: string): string {
  return `${component}/${table}/${index}`;
}

export function findIndex(table: Table, name: string): Index | undefined {
  return name === "by_id" ? table.byId : table.indexes.find((index) => index.name === name);
}

function makeIndex(table: Table, name: string, declared: readonly string[], number: number): Index {
  const fields = name === "by_id" ? ["_id"] : [...declared, "_creationTime", "_id"];
  return {
    name,
    table,
    label: indexLabel(table.component, table.name, name),
    number,
    declared,
    fields,
    paths: fields.map((field) => field.split(".")),
  };
}

function revive({ component, name, number, indexes }: StoredTable): Table {
  const table = { component, name, number, isSystem: name.startsWith("_") } as {
    -readonly [member in keyof Table]: Table[member];
  };
  table.byId = makeIndex(table, "by_id", [], number);
  table.indexes = indexes.map((index) => makeIndex(table, index.name, index.fields, index.number));
  table.byCreationTime = table.indexes.find((index) => index.name === "by_creation_time")!;
  return table;
}
