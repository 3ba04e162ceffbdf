/**
 * Objects kept in a folder instead of a bucket, as records and URLs name them. A URL says what it allows and until when, and
 * carries an HMAC-SHA256 (hex) of exactly that; whoever holds the key signs, the file door only verifies. No zod here.
 */
export const LOCAL_BUCKET = "local";

/** Canonical and never signed, as `s3://bucket/key` is for the other kind. */
export function localUrl(key: string): string {
  return `local:///${key}`;
}

export interface LocalGrant {
  method: "GET" | "PUT";
  key: string;
  /** Seconds since the epoch. */
  expires: number;
  /** PUT: the content type that has to be sent. */
  contentType?: string;
  /** GET: browsers save the bytes under this name. */
  download?: string;
}

/** What is signed: every field on its own line, those that are absent as empty ones; no field may hold a newline. */
export function grantText({ method, key, expires, contentType = "", download = "" }: LocalGrant): string {
  return ["reelsync-local-1", method, key, expires, contentType, download]
    .map((field) => encodeURIComponent(field))
    .join("\n");
}

export function grantUrl(base: string, grant: LocalGrant, signature: string): string {
  const query = new URLSearchParams({
    ...(grant.method === "GET" ? {} : { method: grant.method }),
    ...(grant.contentType === undefined ? {} : { type: grant.contentType }),
    ...(grant.download === undefined ? {} : { download: grant.download }),
    expires: String(grant.expires),
    signature,
  });
  const path = grant.key.split("/").map(encodeURIComponent).join("/");
  return `${base.replace(/\/+$/, "")}/${path}?${query}`;
}

/** Reads back what `grantUrl` wrote: the path is what follows the door's own. Null for anything else. */
export function parseGrant(
  path: string,
  query: URLSearchParams,
): { grant: LocalGrant; signature: string } | null {
  const expires = Number(query.get("expires"));
  const signature = query.get("signature") ?? "";
  const method = query.get("method") ?? "GET";
  if (!Number.isSafeInteger(expires) || !/^[0-9a-f]{64}$/.test(signature)) return null;
  if (method !== "GET" && method !== "PUT") return null;
  const contentType = query.get("type");
  const download = query.get("download");
  try {
    const key = path.replace(/^\//, "").split("/").map(decodeURIComponent).join("/");
    const grant: LocalGrant = {
      method,
      key,
      expires,
      ...(contentType === null ? {} : { contentType }),
      ...(download === null ? {} : { download }),
    };
    return { grant, signature };
  } catch {
    return null;
  }
}
