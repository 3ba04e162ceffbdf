/** The AWS client as this product needs it. */
import { S3Client } from "@aws-sdk/client-s3";
import { SECOND } from "../../../contract/limits.ts";
import type { S3Config } from "../config.ts";
import { directAgents, proxiedAgents, proxyFor, type HttpAgents } from "../http-agents.ts";
import { RequestHandler } from "./request-handler.ts";
import { createTransportRetry } from "./transport-retry.ts";

const CONNECT_TIMEOUT_MS = 5 * SECOND;
/** A store that has not moved a byte for this long will not. */
const IDLE_SOCKET_TIMEOUT_MS = 30 * SECOND;
/** Below the idle time after which common servers close a kept connection, so that it is not used as it closes. */
const KEPT_SOCKET_MS = 50 * SECOND;

export function createS3Client(config: S3Config): S3Client {
  // Every request holds a transfer slot, so the agent never queues one: a queued request would use up its connect timeout.
  const kept = { keepAlive: true, maxSockets: config.maxConcurrency, timeout: KEPT_SOCKET_MS } as const;
  const handling = (agents: HttpAgents) => ({
    connectionTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: IDLE_SOCKET_TIMEOUT_MS,
    ...agents,
  });
  const proxy = proxyFor(config.endpoint ?? `https://${config.bucket}.s3.${config.region}.amazonaws.com`);
  return new S3Client({
    region: config.region,
    ...(config.endpoint !== undefined && { endpoint: config.endpoint }),
    forcePathStyle: config.forcePathStyle,
    // Without keys the client goes through its own chain, and renews what expires.
    ...(config.credentials === "keys" && {
      credentials: {
        accessKeyId: config.accessKeyId,
        secretAccessKey: config.secretAccessKey,
        ...(config.sessionToken !== undefined && { sessionToken: config.sessionToken }),
      },
    }),
    maxAttempts: config.maxAttempts,
    retryStrategy: createTransportRetry({ ...config.transport, attempts: config.maxAttempts }),
    // Newer checksums are dropped in silence by some stores; what is checked instead stands in object-store.ts.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // Waiting for "100 Continue" costs a new connection for every part.
    expectContinueHeader: false,
    requestHandler: new RequestHandler(
      proxy === undefined
        ? handling(directAgents(kept))
        : async () => handling(await proxiedAgents(proxy, kept)),
    ),
  });
}
