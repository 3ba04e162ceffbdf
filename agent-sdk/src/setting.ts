/** What a setting is, and the kinds of values there are, each with what is said of one that is wrong. */
import * as z from "zod";

export interface Setting {
  /** The name under which a program gives it, e.g. `s3.bucket`. */
  option?: string;
  /** Canonical name first, then aliases. */
  env: readonly Variable[];
  schema: z.ZodType;
  /** Ends the sentence "set it to …". */
  to: string;
  /** A wrong value is quoted in the message, unless it is one of these. */
  secret?: true;
  /** Need not be set where the AWS SDK finds credentials by itself (`S3_CREDENTIALS=chain`). */
  unlessChain?: true;
  /** Need not be set where files are kept in a folder (`STORAGE_TYPE=LOCAL`). */
  unlessLocal?: true;
}

/** `times` is for one in another unit, which `to` then speaks of. */
export type Variable = string | { name: string; times: number; to: string };

export function variableName(variable: Variable): string {
  return typeof variable === "string" ? variable : variable.name;
}

export const text = z.string("expected a text").trim().min(1, "expected a text that is not empty");

/** Which range is said by `to`, in the unit of the name that was used. */
const OUT_OF_RANGE = "out of range";

export function number(min: number, max = Number.POSITIVE_INFINITY) {
  return z.preprocess(
    (value) => (typeof value === "string" ? Number(value) : value),
    z.number("expected a number").min(min, OUT_OF_RANGE).max(max, OUT_OF_RANGE),
  );
}

export function count(min: number, max?: number) {
  return number(min, max).refine(Number.isSafeInteger, "expected a whole number");
}

export function oneOf<const T extends readonly [string, ...string[]]>(words: T) {
  return z.enum(words, `expected ${words.slice(0, -1).join(", ")} or ${words.at(-1) ?? ""}`);
}

export const address = z.url({ protocol: /^https?$/, error: "expected a http(s) URL" });

/** A list as an option, text with commas as a variable. */
export const hosts = z.preprocess(
  (value) =>
    typeof value === "string"
      ? value
          .split(",")
          .map((host) => host.trim())
          .filter((host) => host !== "")
      : value,
  z.array(
    z.string("expected names").regex(/^[^\s/@]+$/, "expected names without scheme or path"),
    "expected a list of names",
  ),
);

export const flag = z.union([z.boolean(), z.stringbool()], "expected true or false");

/** `a//b` and `/a/b/` are `a/b/`, nothing stays nothing: as the deployment reads it when it makes keys. */
export function asFolder(prefix: string): string {
  const parts = prefix.split("/").filter((part) => part !== "");
  return parts.map((part) => `${part}/`).join("");
}

export const folder = text
  .regex(/^(?!.*(^|\/)\.{1,2}(\/|$))[^\\\p{Cc}]*[^\\/\p{Cc}][^\\\p{Cc}]*$/u, "expected a folder's name")
  .transform(asFolder);

/**
 * Not AWS's rules for new buckets: its oldest have capitals and underscores, and Ceph's may have their tenant before a
 * colon. What is refused is what none of them takes, and would be part of the key, or another host.
 */
export const bucketName = text.regex(
  /^(?!\.+$)[A-Za-z0-9._:-]{1,255}$/,
  "expected letters, digits, dots, hyphens and underscores",
);

export const agentKey = text.regex(/^rsk_[^\s]+$/, "expected a key that begins with rsk_");
