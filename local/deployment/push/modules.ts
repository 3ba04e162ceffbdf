/** The modules of a push: those sent, and those the CLI knows the deployment to have already. */
import { createHash } from "node:crypto";
import { RequestError } from "../engine.ts";
import type { AppModule } from "../runtime/app.ts";
import type { PushedModule, StartPush } from "./push-body.ts";

export function moduleHash({ source, sourceMap }: AppModule): string {
  return createHash("sha256")
    .update(source)
    .update(sourceMap ?? "")
    .digest("hex");
}

export function collectModules(push: StartPush["appDefinition"], current: readonly AppModule[]): AppModule[] {
  const kept = push.unchangedModuleHashes.map(({ path, sha256 }) => {
    const module = current.find((candidate) => candidate.path === path);
    if (!module || moduleHash(module) !== sha256) {
      throw new RequestError(
        400,
        "RaceDetected",
        `The push relies on ${path} being unchanged, but the deployment has another version of it. Push again.`,
      );
    }
    return module;
  });
  const sent = [...push.changedModules, ...(push.schema ? [push.schema] : [])].map(toModule);
  return [...kept, ...sent];
}

export function toModule({ path, source, sourceMap, environment }: PushedModule): AppModule {
  return { path, source, environment, ...(typeof sourceMap === "string" && { sourceMap }) };
}
