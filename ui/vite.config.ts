import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = process.env.TRAWL_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  // The server puts a nonce of its own into each page; styles that the editor makes bear it.
  html: { cspNonce: "__CSP_NONCE__" },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    // One small style sheet, there from the start: a part that is loaded later needs nothing but its code.
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { "/v1": server } },
  test: {
    environment: "node",
    setupFiles: ["src/testSeed.ts"],
    include: ["src/**/*.test.ts", "src/**/*.test.tsx"],
  },
});
