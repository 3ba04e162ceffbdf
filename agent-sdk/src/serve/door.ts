/**
 * Who may come in: programs of this machine that hold the token. A page in a browser may not, even when its name was made
 * to lead here (DNS rebinding): it cannot ask under an address, and it cannot ask without saying that it is a page.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import { ReelsyncError } from "../errors.ts";

export interface Door {
  /** Undefined lets everybody of the machine in. */
  token: string | undefined;
  /** What it listens on. */
  host: string;
}

/** Throws a coded error for whoever may not. `isOpen`: asks nothing that a token guards. */
export function admit({ token, host }: Door, headers: Headers, isOpen: boolean): void {
  const asked = nameOf(headers.get("host") ?? "");
  if (!isOwnName(asked, host)) {
    throw new ReelsyncError("SIDECAR_ORIGIN_REFUSED", `"${asked}" is not a name of this sidecar`);
  }
  const page = headers.get("origin");
  const site = headers.get("sec-fetch-site");
  if (page !== null || (site !== null && site !== "none")) {
    throw new ReelsyncError("SIDECAR_ORIGIN_REFUSED", `A page of ${page ?? `a ${site} site`} asked`);
  }
  if (token === undefined || isOpen) return;
  const given = /^Bearer (.+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  if (given === undefined || !isSame(given, token)) {
    const what = given === undefined ? "The request carries no token" : "The token is not this sidecar's";
    throw new ReelsyncError("SIDECAR_TOKEN_INVALID", what);
  }
}

export function isLoopback(name: string): boolean {
  return name === "localhost" || name === "::1" || (isIP(name) === 4 && name.startsWith("127."));
}

/** An address cannot be rebound, so beyond this machine any is taken; a name only when it is the one listened on. */
function isOwnName(name: string, host: string): boolean {
  return isLoopback(name) || (!isLoopback(host) && (isIP(name) !== 0 || name === host.toLowerCase()));
}

/** `[::1]:7420` is `::1`. */
function nameOf(header: string): string {
  const bare = header.trim().toLowerCase().replace(/:\d+$/, "");
  return bare.startsWith("[") && bare.endsWith("]") ? bare.slice(1, -1) : bare;
}

/** Hashed first: the comparison wants equal lengths, and the length is nobody's business either. */
function isSame(given: string, token: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}
