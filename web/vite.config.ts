/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig, type Plugin, type Rolldown } from "vite";

const PAGES = ["console", "courier", "station"];

/**
 * Tells the courier's service worker which files make up its page, and gives the worker a fixed address beside the
 * page, because its address decides what it may serve.
 */
function shellList(): Plugin {
  return {
    name: "cunda-shell-list",
    apply: "build",
    generateBundle: {
      order: "post", // after Vite dropped the chunks that held nothing but styles
      handler(_options, bundle) {
        const worker = Object.values(bundle).find((part) => part.type === "chunk" && part.name === "service-worker");
        if (worker?.type !== "chunk") return;
        worker.code = worker.code.replace("__SHELL__", JSON.stringify(filesOf("courier", bundle)));
      },
    },
  };
}

/** Every file a page loads, now or later. */
function filesOf(page: string, bundle: Rolldown.OutputBundle): string[] {
  const found = new Set<string>();
  const visit = (name: string) => {
    const part = bundle[name];
    if (!part || found.has(name)) return;
    found.add(name);
    if (part.type !== "chunk") return;
    [...part.imports, ...part.dynamicImports].forEach(visit);
    [...(part.viteMetadata?.importedCss ?? []), ...(part.viteMetadata?.importedAssets ?? [])].forEach(visit);
  };
  for (const part of Object.values(bundle)) {
    if (part.type === "chunk" && part.isEntry && part.name === page) visit(part.fileName);
  }
  return [...found].sort();
}

export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  plugins: [react(), shellList()],
  define: { __VERSION__: JSON.stringify(readVersion()) },
  build: {
    outDir: "../api/static",
    emptyOutDir: true,
    sourcemap: false,
    chunkSizeWarningLimit: 1600,
    rollupOptions: {
      checks: { pluginTimings: false },
      input: {
        ...Object.fromEntries(PAGES.map((page) => [page, resolve(import.meta.dirname, page, "index.html")])),
        "service-worker": resolve(import.meta.dirname, "src/courier/service-worker.ts"),
      },
      output: {
        entryFileNames: (chunk) =>
          chunk.name === "service-worker" ? "courier/service-worker.js" : "assets/[name]-[hash].js",
        chunkFileNames: "assets/[name]-[hash].js",
        // MapLibre's worker is a module named .mjs; as .js every server sends it with the right type.
        assetFileNames: (asset) =>
          asset.names[0]?.endsWith(".mjs") ? "assets/[name]-[hash].js" : "assets/[name]-[hash][extname]",
      },
    },
  },
  server: {
    host: "127.0.0.1",
    proxy: { "/api": { target: process.env["CUNDA_API"] ?? "http://127.0.0.1:8620", changeOrigin: false } },
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});

function readVersion(): string {
  const described = JSON.parse(readFileSync(resolve(import.meta.dirname, "package.json"), "utf8")) as { version: string };
  return described.version;
}
