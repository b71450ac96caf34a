import type { NextConfig } from "next";

export default {
  serverExternalPackages: ["clarife-webhooks"], // it loads a native addon, which a bundler cannot take in
} satisfies NextConfig;
