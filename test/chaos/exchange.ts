/** A request an agent made, named by what it asks for. */
export type DoorName = "s3" | "convex" | "token";

export interface Exchange {
  door: DoorName;
  method: string;
  /** Path and query. */
  target: string;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
  operation: string;
}

export function operationOf(door: DoorName, method: string, target: string, body: Buffer): string {
  if (door === "token") return "token";
  return door === "convex"
    ? functionOf(body)
    : s3Operation(method, new URL(target, "http://s3").searchParams);
}

function functionOf(body: Buffer): string {
  try {
    return (JSON.parse(body.toString()) as { path?: string }).path ?? "unknown";
  } catch {
    return "unknown";
  }
}

function s3Operation(method: string, query: URLSearchParams): string {
  if (query.has("partNumber")) return "UploadPart";
  if (query.has("uploads")) return "CreateMultipartUpload";
  if (query.has("uploadId")) return `multipart ${method}`;
  if (query.has("list-type")) return "ListObjectsV2";
  return `${method} object`;
}
