/** Who sends an HTTP request, by its `Authorization` header. */
import type { Authenticator } from "../auth/authenticator.ts";
import { type Caller, RequestError } from "../engine.ts";

export async function requestCaller(
  authorization: string | undefined,
  authenticator: Authenticator,
): Promise<Caller> {
  if (authorization === undefined || authorization === "") return { kind: "none" };
  const [, scheme, credential] = /^(\S+)\s+(.+)$/.exec(authorization) ?? [];
  switch (scheme?.toLowerCase()) {
    case "convex":
      return authenticator.admin(credential!);
    case "bearer":
      return authenticator.user(credential!);
    default:
      throw new RequestError(
        401,
        "InvalidAuthHeader",
        "The Authorization header must be 'Bearer <token>' or 'Convex <admin key>'.",
      );
  }
}

/** HTTP actions may use the header for a scheme of their own: what we cannot verify is nobody. */
export async function requestCallerIfKnown(
  authorization: string | undefined,
  authenticator: Authenticator,
): Promise<Caller> {
  try {
    return await requestCaller(authorization, authenticator);
  } catch (error) {
    if (error instanceof RequestError) return { kind: "none" };
    throw error;
  }
}

export function assertAdmin(caller: Caller): void {
  if (caller.kind === "admin") return;
  throw new RequestError(
    403,
    "AdminKeyRequired",
    "This call needs the deployment's admin key: send 'Authorization: Convex <admin key>'.",
  );
}
