/** The box that `npm start` prints. Rules above and below only: a frame at the sides would be pasted with the commands. */

import { JURISDICTIONS } from "../core/ids.ts";
import type { Demos } from "./demo.ts";
import { localOrigin } from "./local-witnesses.ts";

const RULE_CHARS = 100;
const FIRST_EVENT = {
  action: "invoice.exported",
  actor: { type: "user", id: "usr_42" },
  targets: [{ type: "invoice", id: "inv_9" }],
};

/** Appends one event to the domain; can be pasted into any POSIX shell. */
export function appendCommand(url: string, { domainId, key }: { domainId: string; key: string }): string {
  return [
    `curl -sS ${url}/v1/domains/${domainId}/audit/entries`,
    `-H 'Authorization: Bearer ${key}'`,
    "-H 'Content-Type: application/json'",
    `-d '${JSON.stringify(FIRST_EVENT)}'`,
  ].join(" \\\n  ");
}

export function verifyCommand(url: string, { domainId, key }: { domainId: string; key: string }): string {
  return [`npx moonseal verify --url ${url}`, `--domain ${domainId}`, `--key ${key}`].join(" \\\n  ");
}

export function startBox(url: string, demos: Demos): string {
  const titled = (title: string) => `── ${title} ${"─".repeat(RULE_CHARS - title.length - 4)}`;
  const tenants = JURISDICTIONS.flatMap((jurisdiction) => {
    const { tenantId, tenantName, domainId, domainName, key } = demos[jurisdiction];
    return [
      `  ${jurisdiction.toUpperCase()}   tenant  ${tenantId}  (${tenantName})`,
      `       domain  ${domainId}  (${domainName})`,
      `       key     ${key}`,
      "",
    ];
  });
  return [
    titled("Moonseal runs on this machine"),
    "",
    `  API      ${url}    description ${url}/docs (as JSON: /openapi.json)    health ${url}/healthz`,
    `  Pages    ${url}/status    ${url}/claims    ${url}/problems`,
    "",
    ...tenants,
    "  Append an event in the EU:",
    "",
    appendCommand(url, demos.eu),
    "",
    "  Verify its log:",
    "",
    verifyCommand(url, demos.eu),
    "",
    `  Sign in ${localOrigin(url)}/v1/auth/eu/sign-in    no mail is sent: each one, with its link, is shown here below`,
    "  Stop    Ctrl-C",
    "  State   .wrangler/state (databases, buckets, objects), .wrangler/local (settings, secrets, demo keys, dev.log)",
    "          Operator secrets, to create tenants: OPERATOR_SECRET in .wrangler/local/{eu,us}/.dev.vars",
    "  Reset   npm start -- --fresh",
    "─".repeat(RULE_CHARS),
  ].join("\n");
}
