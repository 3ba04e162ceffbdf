/** The two services a client works with, as it reaches them. `reelsync/testing` puts others in their place. */
import type { S3Client } from "@aws-sdk/client-s3";
import type { Config } from "./config.ts";
import { createAgentTokens, type AgentTokens } from "./convex/agent-token.ts";
import { createConvexCaller, type CallConvex } from "./convex/convex-caller.ts";
import { createPost } from "./convex/post.ts";
import type { Events } from "./events.ts";
import { transportWithin } from "./resilience/retry.ts";
import { createS3Client } from "./s3/s3-client.ts";

export interface Services {
  tokens: AgentTokens;
  convex: CallConvex;
  s3: S3Client;
  /** How long an open circuit waits for its probe; half a minute unless set. */
  probeAfterMs?: number;
  close: () => void;
}

/** `onAnswer` is told of every answer of the deployment. */
export type Connect = (config: Config, events: Events, onAnswer: () => void) => Services;

export const connectServices: Connect = (config, events, onAnswer) => {
  const { post, close } = createPost();
  const tokens = createAgentTokens(config.auth, post);
  const convex = createConvexCaller({
    url: config.convexUrl,
    post,
    tokens,
    events,
    transport: transportWithin(config.retry),
    onAnswer,
  });
  return { tokens, convex, s3: createS3Client(config.s3), close };
};
