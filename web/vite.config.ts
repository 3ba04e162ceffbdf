import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { runtimeConfig } from "./config-plugin.ts";

export default defineConfig(({ command }) => {
  // A bundle is for people whoever asks for it: under a test runner's NODE_ENV it would hold React's development build.
  if (command === "build") process.env.NODE_ENV = "production";
  return {
    root: import.meta.dirname,
    plugins: [react(), runtimeConfig()],
    server: { fs: { allow: [".."] } },
    build: { target: "es2022", outDir: "dist", emptyOutDir: true },
  };
});
