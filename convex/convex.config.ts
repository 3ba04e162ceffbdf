/** The deployment's variables. The three without which nobody could sign in must be set before a push; the rest is asked for where it is needed. */
import { defineApp } from "convex/server";
import { v } from "convex/values";

const optional = v.optional(v.string());

export default defineApp({
  env: {
    // Who may sign in: read by auth.config.ts, which needs them at push time.
    AUTH_PROVIDERS: v.string(),
    AGENT_JWT_ISSUER: v.string(),
    AGENT_JWT_JWKS: v.string(),
    // Signs agents' tokens; read by http.ts alone.
    AGENT_JWT_PRIVATE_KEY: optional,
    // The object store; read by model/storageEnv.ts.
    AWS_REGION: optional,
    AWS_ACCESS_KEY_ID: optional,
    AWS_SECRET_ACCESS_KEY: optional,
    AWS_SESSION_TOKEN: optional,
    S3_BUCKET: optional,
    S3_BASE_PREFIX: optional,
    S3_VIDEO_PREFIX: optional,
    S3_ENDPOINT_URL: optional,
    S3_FORCE_PATH_STYLE: optional,
    S3_PUBLIC_BASE_URL: optional,
    S3_PRESIGN_EXPIRATION: optional,
    // The door to files that agents keep in a folder; read by model/storageEnv.ts.
    STORAGE_LOCAL_BASE_URL: optional,
    STORAGE_LOCAL_SIGNING_KEY: optional,
  },
});
