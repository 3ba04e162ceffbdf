/** The package comes without types. */
declare module "proxy-from-env" {
  /** The address of the proxy for this URL, or nothing. */
  export function getProxyForUrl(url: string | URL): string;
}
