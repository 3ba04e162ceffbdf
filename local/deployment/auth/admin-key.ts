/** The admin key: what a valid one looks like, and the credential the CLI and the clients make of it. */
import { createHash, timingSafeEqual } from "node:crypto";
import * as z from "zod";
import { type Caller, RequestError, type UserIdentity } from "../engine.ts";
import type { Json } from "../values/json.ts";

/**
 * `name|secret`. A `dev:` or `prod:` before the name is decoration that clients may add. A `:` in the rest would be
 * read as the start of an acting-as identity, so a key with one could never be presented.
 */
export function assertAdminKey(adminKey: string): void {
  if (adminKey === "" || withoutDeploymentType(adminKey).includes(":")) {
    throw new RequestError(
      400,
      "InvalidAdminKey",
      "The admin key must not be empty and must not contain ':' after its name; use letters, digits and '|'.",
    );
  }
}

/** Reads `<admin key>[:<base64 of an identity>]`, the text after `Authorization: Convex `. */
export function adminCaller(credential: string, adminKey: string): Caller {
  const text = withoutDeploymentType(credential);
  const colon = text.indexOf(":");
  const key = colon === -1 ? text : text.slice(0, colon);
  if (!sameText(key, withoutDeploymentType(adminKey))) {
    throw new RequestError(
      401,
      "BadAdminKey",
      "The admin key is not this deployment's. Copy CONVEX_SELF_HOSTED_ADMIN_KEY from the output of the local stack.",
    );
  }
  if (colon === -1) return { kind: "admin" };
  return { kind: "admin", actingAs: actingAs(decodeIdentity(text.slice(colon + 1))) };
}

const attributesSchema = z
  .object({
    tokenIdentifier: z.string().optional(),
    issuer: z.string().optional(),
    subject: z.string().optional(),
  })
  .catchall(z.custom<Json>((value) => value !== undefined));

/** An identity given by hand may lack the three standard attributes; functions rely on them. */
export function actingAs(attributes: Json): UserIdentity {
  const parsed = attributesSchema.safeParse(attributes);
  if (!parsed.success) {
    throw new RequestError(
      400,
      "InvalidActingAsIdentity",
      "The identity to act as must be a JSON object whose tokenIdentifier, issuer and subject are strings.",
    );
  }
  const { issuer = "https://acting-as.local", subject = "user", ...rest } = parsed.data;
  return { ...rest, issuer, subject, tokenIdentifier: rest.tokenIdentifier ?? `${issuer}|${subject}` };
}

function decodeIdentity(base64: string): Json {
  try {
    return JSON.parse(Buffer.from(base64, "base64").toString("utf8")) as Json;
  } catch {
    throw new RequestError(
      400,
      "InvalidActingAsIdentity",
      "The text after the admin key's ':' must be base64 of a JSON identity.",
    );
  }
}

function withoutDeploymentType(key: string): string {
  const bar = key.indexOf("|");
  if (bar === -1) return key;
  return key.slice(key.lastIndexOf(":", bar) + 1);
}

function sameText(left: string, right: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}
