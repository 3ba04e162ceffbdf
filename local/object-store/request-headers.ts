/** The request's headers by lower-case name, as the signature sees them: repeated ones joined by a comma. */
export type RequestHeaders = ReadonlyMap<string, string>;

export function readHeaders(rawHeaders: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    const value = rawHeaders[i + 1]!;
    const previous = headers.get(name);
    headers.set(name, previous === undefined ? value : `${previous},${value}`);
  }
  return headers;
}

/**
 * A presigned URL carries headers in its query (`x-amz-meta-*`, `x-amz-checksum-*`, …), and S3 reads them there.
 * Header values are bytes, one a character; query values are text.
 */
export function withHoistedHeaders(
  headers: RequestHeaders,
  query: ReadonlyMap<string, string>,
): RequestHeaders {
  const merged = new Map(headers);
  for (const [name, value] of query) {
    if (isHoistedHeader(name) && !merged.has(name.toLowerCase())) {
      merged.set(name.toLowerCase(), Buffer.from(value, "utf8").toString("latin1"));
    }
  }
  return merged;
}

const SIGNATURE_PARAMETERS = new Set([
  "x-amz-algorithm",
  "x-amz-credential",
  "x-amz-date",
  "x-amz-expires",
  "x-amz-signedheaders",
  "x-amz-signature",
  "x-amz-security-token",
  "x-amz-content-sha256",
]);

export const isSignatureParameter = (name: string): boolean => SIGNATURE_PARAMETERS.has(name.toLowerCase());

export function isHoistedHeader(name: string): boolean {
  return name.toLowerCase().startsWith("x-amz-") && !isSignatureParameter(name);
}
