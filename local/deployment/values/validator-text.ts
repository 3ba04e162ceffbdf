import type { FieldValidatorJson, ValidatorJson } from "./validator-json.ts";
import type { Value } from "./value.ts";

/** Values as error messages show them: field names bare, floats never look like integers. */
export function showValue(value: Value | undefined): string {
  if (value === undefined) return "undefined";
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number") return showNumber(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (value instanceof ArrayBuffer) return `b"${Buffer.from(value).toString("hex")}"`;
  if (Array.isArray(value)) return `[${value.map(showValue).join(", ")}]`;
  const fields = Object.entries(value).filter(([, member]) => (member as Value | undefined) !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([field, member]) => `${field}: ${showValue(member)}`).join(", ")}}`;
}

/** The validator as one would write it. */
export function showValidator(validator: ValidatorJson): string {
  switch (validator.type) {
    case "number":
      return "v.float64()";
    case "bigint":
      return "v.int64()";
    case "id":
      return `v.id(${JSON.stringify(validator.tableName)})`;
    case "literal":
      return `v.literal(${showLiteral(validator.value)})`;
    case "array":
      return `v.array(${showValidator(validator.value)})`;
    case "record":
      return `v.record(${showValidator(validator.keys)}, ${showField(validator.values)})`;
    case "union":
      return `v.union(${validator.value.map(showValidator).join(", ")})`;
    case "object": {
      const fields = Object.entries(validator.value).sort(([a], [b]) => (a < b ? -1 : 1));
      return `v.object({${fields.map(([name, field]) => `${name}: ${showField(field)}`).join(", ")}})`;
    }
    default:
      return `v.${validator.type}()`;
  }
}

function showField({ fieldType, optional }: FieldValidatorJson): string {
  return optional ? `v.optional(${showValidator(fieldType)})` : showValidator(fieldType);
}

function showNumber(value: number): string {
  const text = Object.is(value, -0) ? "-0" : String(value);
  return Number.isInteger(value) && !text.includes("e") ? `${text}.0` : text;
}

function showLiteral(literal: unknown): string {
  if (typeof literal === "number") return showNumber(literal);
  return typeof literal === "object" && literal !== null ? "<bigint>" : JSON.stringify(literal);
}
