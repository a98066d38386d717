/** What the people of a tenant need, wired to this cell. */
import { v7 as uuidv7 } from "uuid";
import type { CellEnv } from "../../src/env.ts";
import type { PeopleDeps } from "../../src/services/access/people/deps.ts";
import type { Person } from "../../src/services/access/people/records.ts";
import type { CellConfig } from "../../src/services/cell-config.ts";
import type { TenantKeys } from "../../src/services/keys/subject-vault.ts";
import type { Mailer } from "../../src/services/mail/mail.ts";
import { type Permission, permissionsOf } from "../../src/services/permissions.ts";
import type { TenantRecord } from "../../src/services/ports.ts";
import { demandRoom } from "../../src/services/tiers.ts";
import { randomBytes } from "../domain-log/random.ts";
import { cellDesk } from "../gates.ts";
import { mailerFor } from "../mailer.ts";

export const permissionsOfMember = ({ role }: Person): readonly Permission[] =>
  role === null ? [] : permissionsOf(role);

export type OwnPeople = Pick<PeopleDeps, "book" | "commit" | "clock" | "plan"> & {
  tenantKeys: TenantKeys;
  /** Instead of the cell's own way out. */
  mailer: Mailer | null;
  /** With the tier as it is when this is asked. */
  asDecided: (tenant: TenantRecord) => TenantRecord;
};

export function memberDeps(env: CellEnv, config: CellConfig, tenant: TenantRecord, own: OwnPeople): PeopleDeps {
  const desk = cellDesk(env, config);
  return {
    ...own,
    kind: "member",
    tenantId: tenant.id,
    domainId: tenant.tenantDomainId,
    title: tenant.name,
    jurisdiction: config.jurisdiction,
    pepper: config.pseudonymPepper,
    sealer: config.sealer,
    publicOrigin: config.publicOrigin,
    sessionMs: config.tokens.lifetimeS * 1000,
    permissions: permissionsOfMember,
    mailer: own.mailer ?? mailerFor(env, config),
    mayInvite: (lookup) => desk.countInvitation(lookup, tenant.id),
    demandRoom: (used) => demandRoom(own.asDecided(tenant), "members", used),
    knowBrowser: (lookup, browserHash) => desk.knowBrowser(lookup, browserHash),
    tellIndex: (revision, lookups) => desk.setMailIndex(tenant.id, revision, lookups),
    random: randomBytes,
    uuid: uuidv7,
  };
}
