/** One question to a service, asked the way that requests to it go: by the proxy too. */
import type { IncomingMessage } from "node:http";
import { SECOND } from "../../../../contract/limits.ts";
import { keepAgents, proxyFor, type Question } from "../../http-agents.ts";
import { withoutLogin } from "../../without-login.ts";
import { fail, type Check } from "./check.ts";

const ANSWER_TIMEOUT_MS = 5 * SECOND;

/** `read` takes what matters from the answer; the rest of it is thrown away. Throws what kept the answer away. */
export async function askService<T>(
  url: string,
  question: Question,
  read: (answer: IncomingMessage) => T | Promise<T>,
): Promise<T> {
  const { ask, close } = keepAgents();
  const signal = AbortSignal.any([question.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
  try {
    const answer = await ask(url, { ...question, signal });
    try {
      return await read(answer);
    } finally {
      answer.destroy();
    }
  } finally {
    close();
  }
}

/** A service as people are shown it. */
export function shownService(url: string): string {
  const proxy = proxyFor(url);
  return `${withoutLogin(url)}${proxy === undefined ? "" : `, through the proxy ${proxy.host}`}`;
}

/** What was asked never arrived: a proxy on the way answered instead. */
export function proxyWantsLogin(check: string, service: string): Check {
  const fix = "export HTTPS_PROXY=http://user:password@host:port";
  return fail(check, `${service} was not reached`, "The proxy wants a login", fix);
}
