/**
 * The OpenAPI 3.1 document, from the declared routes. Committed as docs/openapi.json; a check demands that they agree. What no route
 * says itself is added here: the permission in words, the tags, one example for each body, answer and problem.
 */
import { VERSION } from "../core/version.ts";
import { isSensitive, PERMISSION_NAMES, PERMISSIONS, type Permission } from "../services/permissions.ts";
import { cellApp } from "./app.ts";
import { addExamples, type MissingExample } from "./document/examples.ts";
import { parameterWords } from "./document/parameters.ts";
import { portablePattern } from "./document/patterns.ts";
import { problemExamples } from "./document/problems.ts";
import { type ApiDocument, type DocumentedOperation, eachObject, operationsOf } from "./document/schema.ts";
import { TAGS } from "./document/tags.ts";

export const API_VERSION = VERSION;

export function openApiDocument(): object {
  return describedApi().document;
}

/** The document, and the fields for which there is no word for an example: none, as a test demands. */
export function describedApi(): { document: ApiDocument; missing: MissingExample[] } {
  const document = declaredApi();
  document.components.examples = problemExamples();
  for (const { operation } of operationsOf(document)) {
    operation.description = describedBy(operation);
    for (const parameter of operation.parameters ?? []) {
      const words = parameter.description ?? parameterWords(parameter.name);
      if (words !== undefined) parameter.description = words;
    }
  }
  eachObject(document, (object) => {
    if (typeof object.pattern === "string") object.pattern = portablePattern(object.pattern);
  });
  return { document, missing: addExamples(document) };
}

function declaredApi(): ApiDocument {
  const app = cellApp(() => {
    throw new Error("the document needs no services");
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    description:
      "An API key (`msk_eu_…`, `msk_us_…`), the token of a session, or the operator's secret (`mso_…`). It names its jurisdiction.",
  });
  const permissions = PERMISSION_NAMES.map((name) => `- \`${name}\`: ${PERMISSIONS[name].says}`);
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Moonseal",
      version: API_VERSION,
      description: `Tamper-evident audit log, pinned to the EU or the US.\n\nEvery operation names the permission that it needs (\`x-permission\`):\n\n${permissions.join("\n")}`,
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
      contact: { name: "The operator of the deployment that served this document" },
    },
    servers: [
      {
        url: "/",
        description:
          "The gateway that served this document: it finds the cell by itself. `/docs` there is this as pages.",
      },
    ],
    tags: TAGS.map((tag) => ({ ...tag })),
  });
  // What the registry gives is shared between calls, and is changed above.
  return JSON.parse(JSON.stringify(document)) as ApiDocument;
}

/** The operation's own words, and who may call it. */
function describedBy(operation: DocumentedOperation): string {
  const own = operation.description;
  return [...(own === undefined ? [] : [own]), whoMay(operation["x-permission"])].join("\n\n");
}

function whoMay(permission: string): string {
  if (permission === "public") return "Needs no credential.";
  if (permission === "any_credential") return "Needs a credential, and no permission.";
  const name = permission as Permission;
  const again = isSensitive(name) ? " People show their second factor again, if the last time is a while ago." : "";
  return `Needs the permission \`${name}\`: ${PERMISSIONS[name].says}.${again}`.replaceAll("..", ".");
}
