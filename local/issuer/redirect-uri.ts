/** Which addresses the issuer may send a browser back to: this machine's only, whatever is configured. */

const LOOPBACK_HOSTS = new Set(["localhost", "127.0.0.1", "[::1]"]);

export function isLoopback(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) && LOOPBACK_HOSTS.has(url.hostname);
}

/** `prefixes` are addresses whose paths are matched as prefixes; none means any address of this machine. */
export function isAllowedRedirect(text: string, prefixes: readonly string[] | undefined): boolean {
  if (!isLoopback(text)) return false;
  const url = new URL(text);
  if (url.hash !== "" || url.username !== "" || url.password !== "") return false;
  if (!prefixes) return true;
  return prefixes.some((prefix) => {
    const { origin, pathname } = new URL(prefix);
    const folder = pathname.endsWith("/") ? pathname : `${pathname}/`;
    return url.origin === origin && (url.pathname === pathname || url.pathname.startsWith(folder));
  });
}

export function withParameters(uri: string, parameters: Record<string, string | undefined>): string {
  const url = new URL(uri);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url.href;
}
