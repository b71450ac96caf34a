import type { NextConfig } from "next";

export default {
  serverExternalPackages: ["clarife-webhooks"], // a bundler cannot include its native addon
} satisfies NextConfig;
