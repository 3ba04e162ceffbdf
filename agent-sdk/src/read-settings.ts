/** Reads a table of settings from a program's options and its environment, options first. */
import type * as z from "zod";
import { quoted } from "./quoted.ts";
import { variableName, type Setting } from "./setting.ts";
import { SETTINGS } from "./settings.ts";

type Env = Readonly<Record<string, string | undefined>>;

export interface ReadSettings<T> {
  values: Partial<T>;
  faults: string[];
}

/** Collects every fault, each by the name its reader would use. */
export function readSettings<T extends Record<string, unknown>>(
  table: Record<keyof T & string, Setting>,
  options: object,
  env: Env,
): ReadSettings<T> {
  const values: Record<string, unknown> = {};
  const faults: string[] = [];
  const isLocal = keepsLocally(options, env);
  for (const [name, setting] of Object.entries<Setting>(table)) {
    const { value, written, source, to } = find(setting, options, env);
    if (value === undefined && setting.unlessChain && usesChain(options, env)) continue;
    if (value === undefined && isLocal && setting.unlessLocal) continue;
    const parsed = setting.schema.safeParse(value);
    if (parsed.success) values[name] = parsed.data;
    else faults.push(`${source} ${fault(written, setting, parsed.error)}: set it to ${to}`);
  }
  return { values: values as Partial<T>, faults };
}

function usesChain(options: object, env: Env): boolean {
  return find(SETTINGS.credentials, options, env).value === "chain";
}

export function keepsLocally(options: object, env: Env): boolean {
  const { value } = find(SETTINGS.storageType, options, env);
  return typeof value === "string" && value.toUpperCase() === "LOCAL";
}

function fault(written: unknown, setting: Setting, error: z.ZodError): string {
  if (written === undefined) return "is missing";
  // The first says it: a number that is none is not in its range either.
  const why = error.issues[0]?.message ?? "";
  return setting.secret ? `is wrong (${why})` : `is wrong (${quoted(written)}: ${why})`;
}

interface Found {
  /** In the setting's own unit. */
  value: unknown;
  /** As somebody wrote it, which is what messages quote. */
  written: unknown;
  source: string;
  to: string;
}

/** An empty variable counts as unset: that is what `NAME=` in an env file means to people. */
function find(setting: Setting, options: object, env: Env): Found {
  const { option, to } = setting;
  const given = option === undefined ? undefined : optionAt(options, option);
  if (given !== undefined) return { value: given, written: given, source: `option ${option}`, to };
  for (const variable of setting.env) {
    const source = variableName(variable);
    const written = env[source]?.trim();
    if (written === undefined || written === "") continue;
    if (typeof variable === "string") return { value: written, written, source, to };
    return { value: Math.round(Number(written) * variable.times), written, source, to: variable.to };
  }
  const [canonical = option ?? ""] = setting.env;
  return { value: undefined, written: undefined, source: variableName(canonical), to };
}

function optionAt(options: object, path: string): unknown {
  const step = (value: unknown, name: string): unknown =>
    typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  return path.split(".").reduce<unknown>(step, options);
}
