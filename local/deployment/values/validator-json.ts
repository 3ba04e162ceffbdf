/** Validators as `v.object({…})` exports them. */
import type { Json } from "./json.ts";

export type ValidatorJson =
  | { type: "null" | "number" | "bigint" | "boolean" | "string" | "bytes" | "any" | "commitTs" }
  | { type: "id"; tableName: string }
  | { type: "literal"; value: Json }
  | { type: "array"; value: ValidatorJson }
  | { type: "object"; value: Record<string, FieldValidatorJson> }
  | { type: "record"; keys: ValidatorJson; values: FieldValidatorJson }
  | { type: "union"; value: ValidatorJson[] };

export interface FieldValidatorJson {
  fieldType: ValidatorJson;
  optional: boolean;
}
