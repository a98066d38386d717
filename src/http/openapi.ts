/** The OpenAPI 3.1 document, from the declared routes. Committed as docs/openapi.json; a check demands that they agree. */
import { VERSION } from "../core/version.ts";
import { PERMISSIONS, type Permission } from "../services/permissions.ts";
import { cellApp } from "./app.ts";

export const API_VERSION = VERSION;

export function openApiDocument(): object {
  const app = cellApp(() => {
    throw new Error("the document needs no services");
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    description: "An API key (`msk_eu_…`, `msk_us_…`), or the operator's secret (`mso_…`).",
  });
  const permissions = (Object.keys(PERMISSIONS) as Permission[]).map(
    (name) => `- \`${name}\`: ${PERMISSIONS[name].says}`,
  );
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Moonseal",
      version: API_VERSION,
      description: `Tamper-evident audit log, pinned to the EU or the US.\n\nEvery operation names the permission that it needs (\`x-permission\`):\n\n${permissions.join("\n")}`,
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    servers: [{ url: "/" }],
  });
}
