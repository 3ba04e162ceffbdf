import { defineApp } from "convex/server";
import { v } from "convex/values";

export default defineApp({ env: { FIXTURE_ISSUER: v.string(), GREETING: v.optional(v.string()) } });
