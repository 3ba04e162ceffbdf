import { fail, type Check } from "./check.ts";

/** What was asked never arrived: a proxy on the way answered instead. */
export function proxyWantsLogin(check: string, service: string): Check {
  const fix = "export HTTPS_PROXY=http://user:password@host:port";
  return fail(check, `${service} was not reached`, "The proxy wants a login", fix);
}
