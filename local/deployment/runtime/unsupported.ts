/** What the hosted product offers and this deployment does not: each says so by name instead of half working. */
import { FunctionFailure } from "./failure.ts";

const features: Record<string, string> = {
  "1.0/storageGetUrl": "File storage",
  "1.0/storageGetMetadata": "File storage",
  "1.0/storageGenerateUploadUrl": "File storage",
  "1.0/storageDelete": "File storage",
  "1.0/storageStore": "File storage",
  "1.0/storageGet": "File storage",
  "storage/storeBlob": "File storage",
  "storage/getBlob": "File storage",
  "1.0/signJwt": "Signing JWTs",
  "1.0/actions/vectorSearch": "Vector search",
  "1.0/createServiceToken": "Service tokens",
  "1.0/getServiceUrl": "Convex-managed services",
};

export function unsupported(op: string): FunctionFailure | null {
  const feature = Object.hasOwn(features, op) ? features[op]! : null;
  return feature === null
    ? null
    : new FunctionFailure(
        `${feature} is not supported by the local deployment (${op}). Use a hosted or self-hosted Convex for it.`,
      );
}
