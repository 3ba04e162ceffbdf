import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { runtimeConfig } from "./config-plugin.ts";

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), runtimeConfig()],
  server: { fs: { allow: [".."] } },
  build: { target: "es2022", outDir: "dist", emptyOutDir: true },
});
