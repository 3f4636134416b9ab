import react from "@vitejs/plugin-react";
import {defineConfig} from "vitest/config";

const BACKEND = "http://127.0.0.1:8080";

// React, router, query, i18n and state go first into one chunk: otherwise a library's chunk swallows the code that
// all pages share, and is preloaded everywhere.
const VENDOR =
  /node_modules\/(react|react-dom|scheduler|react-router|@tanstack|i18next|react-i18next|zustand|clsx|cookie|set-cookie-parser|use-sync-external-store|html-parse-stringify|void-elements)\//;

const CHUNKS = [
  {name: "vendor", test: VENDOR, priority: 30},
  {name: "antd", test: /node_modules\/(antd|@ant-design|@rc-component)\//, priority: 20},
  {name: "rest", test: /node_modules\//, priority: 10},
];

/** One script without modules, beside the application that the first build wrote. */
function script(name: string, source: string) {
  return {
    emptyOutDir: false,
    copyPublicDir: false,
    modulePreload: false as const,
    target: "es2022",
    rolldownOptions: {input: {[name]: source}, output: {format: "iife" as const, entryFileNames: `${name}/${name}.js`}},
  };
}

function buildOf(mode: string) {
  switch (mode) {
    case "widget":
      return script("widget", "src/widget/widget.ts");
    case "shop":
      return script("shop", "src/shop/shop.ts");
    default:
      return {
        target: "es2022",
        chunkSizeWarningLimit: 1200,
        rolldownOptions: {output: {codeSplitting: {groups: CHUNKS}}},
      };
  }
}

export default defineConfig(({mode}) => ({
  plugins: [react()],
  build: buildOf(mode),
  server: {
    proxy: {
      "/api": BACKEND,
      "/config.json": BACKEND,
      "/desk/ws": {target: BACKEND, ws: true},
      "/wall/ws": {target: BACKEND, ws: true},
      "/reading/ws": {target: BACKEND, ws: true},
    },
  },
  test: {environment: "node", include: ["src/**/*.test.{ts,tsx}"], restoreMocks: true},
}));
