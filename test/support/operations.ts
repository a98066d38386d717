/** The operations of the OpenAPI document, ready to be called: tests over them cover routes that do not exist yet. */
import { v7 as uuidv7 } from "uuid";
import { makeId } from "../../src/core/ids.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { openApiDocument } from "../../src/http/openapi.ts";
import type { Permission } from "../../src/services/permissions.ts";
import { originHash } from "../../src/services/witness/witness.ts";
import { jurisdiction } from "./cell.ts";
import { WitnessedLog } from "./witnessed-log.ts";

export interface Operation {
  operationId: string;
  method: string;
  /** With its parameters in braces. */
  path: string;
  permission: Permission | "public" | "any_credential";
  hasBody: boolean;
}

interface DocumentedOperation {
  operationId: string;
  "x-permission": Operation["permission"];
  requestBody?: unknown;
}

export function operations(): Operation[] {
  const { paths } = openApiDocument() as { paths: Record<string, Record<string, DocumentedOperation>> };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      operationId: operation.operationId,
      method: method.toUpperCase(),
      path,
      permission: operation["x-permission"],
      hasBody: operation.requestBody !== undefined,
    })),
  );
}

/** Parameters that name no thing of anybody: a version of what was named before, the numbers in the path of a tile. Of a log with one entry there is a tile `0/000.p/1`. */
const NUMBERS: Record<string, string> = { version: "1", level: "0", n1: "000.p", n2: "1", n3: "000", n4: "000" };
/** A log of nobody here, which this cell witnesses. */
export const WITNESSED = new WitnessedLog("operations");
export const OF_NOBODY: Record<string, string> = {
  ...NUMBERS,
  jurisdiction,
  // What a retention policy is of: every tenant has it.
  resource: "sessions",
  // A tenant that is none.
  ssoTenantId: `tnt_${jurisdiction}_00000000000000000000000001`,
  originHash: originHash(sha256, WITNESSED.origin),
  // A log that is to come back may be known to nobody here.
  logId: `dom_${jurisdiction}_00000000000000000000000001`,
};

/** What a small log that is as it should be does not have. */
export const TILES_OF_LARGE_LOGS = ["readForkEvidence", "readTile", "readTileInThree", "readTileInFour"];

/** The parameters of the path that name something. */
export const paramsOf = (path: string) =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string).filter((name) => !(name in OF_NOBODY));

/** The path with its parameters; throws on one without a value, so that a new parameter must be thought about. */
export function pathWith(path: string, values: Record<string, string>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name] ?? OF_NOBODY[name];
    if (value === undefined) throw new Error(`no value for {${name}} of ${path}`);
    return value;
  });
}

/** Ids of this cell, in the right form, of what was never made. */
export const idsOfNothing = () => ({
  serviceAccountId: makeId("serviceAccount", jurisdiction, uuidv7()),
  accessId: makeId("accessGrant", jurisdiction, uuidv7()),
  memberId: makeId("member", jurisdiction, uuidv7()),
  invitationId: makeId("invitation", jurisdiction, uuidv7()),
  sessionId: makeId("session", jurisdiction, uuidv7()),
  exportId: makeId("export", jurisdiction, uuidv7()),
  linkId: makeId("exportLink", jurisdiction, uuidv7()),
  staffId: makeId("staff", jurisdiction, uuidv7()),
  passkeyId: "BAUGAQID",
  action: "nothing.known",
});
