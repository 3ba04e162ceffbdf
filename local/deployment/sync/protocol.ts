/** The sync protocol's messages: what a client may send, parsed; what we send, typed. No behaviour. */
import * as z from "zod";
import type { Json } from "../values/json.ts";

const json = z.custom<Json>((value) => value !== undefined);
const version = z.int().nonnegative();
const requestId = z.int().nonnegative();

/** Only the app itself is addressable; an admin client says so with an empty path. */
const componentPath = z.literal("", { error: "components are not supported" }).nullish();

const connect = z.object({
  type: z.literal("Connect"),
  sessionId: z.string().min(1),
  connectionCount: z.number(),
  lastCloseReason: z.string().nullish(),
  maxObservedTimestamp: z.string().nullish(),
});

const authenticate = z.discriminatedUnion("tokenType", [
  z.object({
    type: z.literal("Authenticate"),
    tokenType: z.literal("User"),
    value: z.string(),
    baseVersion: version,
  }),
  z.object({
    type: z.literal("Authenticate"),
    tokenType: z.literal("Admin"),
    value: z.string(),
    impersonating: json.nullish(),
    baseVersion: version,
  }),
  z.object({ type: z.literal("Authenticate"), tokenType: z.literal("None"), baseVersion: version }),
]);

const modifyQuerySet = z.object({
  type: z.literal("ModifyQuerySet"),
  baseVersion: version,
  newVersion: version,
  modifications: z.array(
    z.discriminatedUnion("type", [
      z.object({
        type: z.literal("Add"),
        queryId: version,
        udfPath: z.string(),
        args: json,
        journal: z.string().nullish(),
        componentPath,
      }),
      z.object({ type: z.literal("Remove"), queryId: version }),
    ]),
  ),
});

const mutation = z.object({
  type: z.literal("Mutation"),
  requestId,
  udfPath: z.string(),
  args: json,
  componentPath,
});

const action = z.object({
  type: z.literal("Action"),
  requestId,
  udfPath: z.string(),
  args: json,
  componentPath,
});

const event = z.object({ type: z.literal("Event") });

const clientMessage = z.union([
  z.discriminatedUnion("type", [connect, modifyQuerySet, mutation, action, event]),
  authenticate,
]);

export type ClientMessage = z.infer<typeof clientMessage>;
export type Authenticate = z.infer<typeof authenticate>;
export type ModifyQuerySet = z.infer<typeof modifyQuerySet>;
export type FunctionMessage = z.infer<typeof mutation> | z.infer<typeof action>;

export class ProtocolError extends Error {
  override name = "ProtocolError";
}

/** Members we do not know are dropped: newer clients may send more. */
export function parseClientMessage(text: string): ClientMessage {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError("A frame must be one JSON object.", { cause });
  }
  const parsed = clientMessage.safeParse(value);
  if (!parsed.success) {
    throw new ProtocolError(`The message is not understood: ${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}

export interface StateVersion {
  querySet: number;
  identity: number;
  ts: bigint;
}

/** Those without a function's result. */
export type ServerMessage =
  | { type: "AuthError"; error: string; baseVersion: number; authUpdateAttempted: boolean }
  | { type: "FatalError"; error: string }
  | { type: "Ping" };

/**
 * A Transition as text. Modifications come as JSON text because one result often goes to many sessions and is
 * encoded once.
 */
export function transitionText(start: StateVersion, end: StateVersion, modifications: string[]): string {
  const ends = `"startVersion":${versionText(start)},"endVersion":${versionText(end)}`;
  return `{"type":"Transition",${ends},"modifications":[${modifications.join(",")}]}`;
}

function versionText({ querySet, identity, ts }: StateVersion): string {
  return JSON.stringify({ querySet, identity, ts: encodeTs(ts) });
}

/** Timestamps cross the wire as base64 of eight bytes, least significant first. */
export function encodeTs(ts: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(ts);
  return bytes.toString("base64");
}

export function decodeTs(text: string): bigint {
  const bytes = Buffer.from(text, "base64");
  if (bytes.length !== 8) throw new ProtocolError("A timestamp must be base64 of eight bytes.");
  return bytes.readBigUInt64LE();
}
