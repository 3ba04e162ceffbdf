import { describe, expect, test } from "vitest";
import type { Json } from "../../../../local/deployment/values/json.ts";
import type { Value } from "../../../../local/deployment/values/value.ts";
import { collect, fullScan, mutate, openTemporary, read } from "./fixture.ts";

const documents: Record<string, Value>[] = [
  { name: "missing" },
  { name: "null", f: null },
  { name: "int", f: 7n },
  { name: "float", f: 7 },
  { name: "negative zero", f: -0 },
  { name: "true", f: true },
  { name: "text", f: "7" },
  { name: "object", f: { g: 1 } },
];
const f = { $field: "f" };
const literal = (value: Json) => ({ $literal: value });
const int = (n: number) =>
  literal({ $integer: Buffer.from(BigInt64Array.of(BigInt(n)).buffer).toString("base64") });

function matching(filter: Json, stored = documents): Value[] {
  const database = openTemporary();
  mutate(database, (transaction) => {
    for (const fields of stored) transaction.insert("t", fields);
  });
  return read(database, (transaction) =>
    collect(transaction, fullScan("t", null, [{ filter }])).map(({ name }) => name!),
  );
}

describe("filters", () => {
  test.each<[string, Json, string[]]>([
    ["equality is by type and value", { $eq: [f, literal(7)] }, ["float"]],
    ["int64 is not float64", { $eq: [f, int(7)] }, ["int"]],
    ["0 is not -0", { $eq: [f, literal(0)] }, []],
    ["undefined is a missing field", { $eq: [f, literal({ $undefined: null })] }, ["missing"]],
    [
      "$neq",
      { $neq: [f, literal(null)] },
      documents.map(({ name }) => name as string).filter((name) => name !== "null"),
    ],
    [
      "$lt follows the order of all types",
      { $lt: [f, literal(0)] },
      ["missing", "null", "int", "negative zero"],
    ],
    ["$lte includes", { $lte: [f, literal(null)] }, ["missing", "null"]],
    ["$gt", { $gt: [f, literal("7")] }, ["object"]],
    ["$gte includes", { $gte: [f, literal("7")] }, ["text", "object"]],
    ["a path into an object", { $eq: [{ $field: "f.g" }, literal(1)] }, ["object"]],
    [
      "a path through a scalar is missing",
      { $gt: [{ $field: "name.length" }, literal({ $undefined: null })] },
      [],
    ],
    [
      "$and, $or and $not",
      { $and: [{ $or: [{ $eq: [f, literal(7)] }, { $eq: [f, int(7)] }] }, { $not: { $eq: [f, int(7)] } }] },
      ["float"],
    ],
    ["an empty $and is true", { $and: [] }, documents.map(({ name }) => name as string)],
    ["an empty $or is false", { $or: [] }, []],
    ["$and stops at the first false", { $and: [literal(false), literal(3)] }, []],
  ])("%s", (_, filter, names) => {
    expect(matching(filter)).toEqual(names);
  });

  const numbers: Record<string, Value>[] = [{ name: "float", f: 7 }];
  test.each<[string, Json, number]>([
    ["$add", { $add: [f, literal(2)] }, 9],
    ["$sub", { $sub: [f, literal(2)] }, 5],
    ["$mul", { $mul: [f, literal(2)] }, 14],
    ["$div", { $div: [f, literal(2)] }, 3.5],
    ["$mod", { $mod: [f, literal(4)] }, 3],
    ["$neg", { $neg: f }, -7],
  ])("%s on float64", (_, expression, result) => {
    expect(matching({ $eq: [expression, literal(result)] }, numbers)).toEqual(["float"]);
  });

  test("arithmetic on int64 truncates", () => {
    expect(matching({ $eq: [{ $div: [f, int(2)] }, int(3)] }, [{ name: "int", f: 7n }])).toEqual(["int"]);
  });

  test.each<[string, Json, string]>([
    [
      "arithmetic of both number types",
      { $eq: [{ $add: [f, literal(1)] }, literal(1)] },
      "both must be int64 or both float64",
    ],
    [
      "arithmetic on a missing field",
      { $eq: [{ $add: [{ $field: "x" }, literal(1)] }, literal(1)] },
      "value undefined (type Undefined)",
    ],
    ["negating text", { $eq: [{ $neg: literal("x") }, literal(1)] }, 'Cannot negate value "x" (type String)'],
    [
      "an overflow",
      { $eq: [{ $mul: [f, literal({ $integer: "/////////38=" })] }, f] },
      "does not fit into an int64",
    ],
    ["a division of integers by zero", { $eq: [{ $div: [f, int(0)] }, f] }, "by zero"],
    ["a result that is no boolean", f, "Cannot use value 7n (type Int64) as a Boolean"],
    [
      "an operand of $or that is no boolean",
      { $or: [literal(null)] },
      "Cannot use value null (type Null) as a Boolean",
    ],
    ["an unknown operator", { $like: [f, f] }, "Malformed filter expression"],
    ["two operators in one", { $eq: [f, f], $neq: [f, f] }, "Malformed filter expression"],
    ["one operand", { $eq: [f] }, "Malformed filter expression"],
    ["a bad literal", { $eq: [f, literal({ $integer: "x" })] }, "Malformed $integer"],
  ])("%s fails the query", (_, filter, message) => {
    expect(() => matching(filter, [{ name: "int", f: 7n }])).toThrow(message);
  });

  test("filters and limits apply in their written order, and what a filter drops was read", () => {
    const database = openTemporary();
    mutate(database, (transaction) => {
      for (let n = 0; n < 10; n++) transaction.insert("t", { n });
    });
    const isOdd = { filter: { $eq: [{ $mod: [{ $field: "n" }, literal(2)] }, literal(1)] } };
    const result = (operators: Parameters<typeof fullScan>[2]): [unknown[], number] =>
      read(database, (transaction) => [
        collect(transaction, fullScan("t", "asc", operators)).map(({ n }) => n),
        transaction.metrics().documentsRead.used,
      ]);
    expect(result([isOdd, { limit: 2 }])).toEqual([[1, 3], 4]);
    expect(result([{ limit: 2 }, isOdd])).toEqual([[1], 2]);
    expect(result([{ limit: 0 }])).toEqual([[], 0]);
    expect(() => result([{ limit: -1 }])).toThrow("non-negative integer");
    expect(() => result(Array.from({ length: 257 }, () => isOdd))).toThrow("at most 256 operators");
  });
});
