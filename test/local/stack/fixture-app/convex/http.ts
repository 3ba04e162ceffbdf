import { httpRouter } from "convex/server";
import { httpAction } from "./builders.ts";
import { internal } from "./references.ts";

const http = httpRouter();

http.route({
  path: "/messages",
  method: "POST",
  handler: httpAction(async (ctx, request) => {
    const message = (await request.json()) as { author: string; body: string };
    const id = await ctx.runMutation(internal.messages.store, message);
    return Response.json({ id, count: await ctx.runQuery(internal.messages.count, {}) }, { status: 201 });
  }),
});

http.route({
  pathPrefix: "/echo/",
  method: "GET",
  handler: httpAction(async (ctx, request) => {
    const identity = await ctx.auth.getUserIdentity();
    return new Response(new URL(request.url).pathname, { headers: { "x-subject": identity?.subject ?? "" } });
  }),
});

export default http;
