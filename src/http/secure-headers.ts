import type { secureHeaders } from "hono/secure-headers";

/** Every answer, the gateway's included. HSTS for two years (S3-37); nothing may be framed, sniffed or run. */
export const SECURE_HEADERS: Parameters<typeof secureHeaders>[0] = {
  strictTransportSecurity: "max-age=63072000; includeSubDomains; preload",
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    styleSrc: ["'self'"],
  },
  xFrameOptions: "DENY",
  referrerPolicy: "no-referrer",
  crossOriginResourcePolicy: "same-origin",
};
