/** One of the operator's people with an open session, made in the cell's object with no entry that tells of it. Runs in workerd. */
import { runInDurableObject } from "cloudflare:test";
import { v7 as uuidv7 } from "uuid";
import { SqlitePeopleBook } from "../../durable-objects/people/people-book.ts";
import { tenantKeyringFor } from "../../durable-objects/tenant-keyring.ts";
import { makeId, platformTenantId } from "../../src/core/ids.ts";
import { mailLookup } from "../../src/services/access/people/address.ts";
import { sealContact } from "../../src/services/access/people/contacts.ts";
import { signSessionToken } from "../../src/services/access/tokens.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { env, jurisdiction } from "./cell.ts";

export interface StaffSession {
  staffId: string;
  sessionId: string;
  token: string;
  email: string;
}

/** `secondFactorAtMs`: when a second factor was last shown; null: never. */
export async function staffSession(
  wish: { email?: string; secondFactorAtMs?: number | null } = {},
): Promise<StaffSession> {
  const config = cellConfig(env);
  const nowMs = Date.now();
  const { email = `${uuidv7()}@operator.example`, secondFactorAtMs = nowMs } = wish;
  const staffId = makeId("staff", jurisdiction, uuidv7());
  const sessionId = makeId("session", jurisdiction, uuidv7());
  const tenantId = platformTenantId(jurisdiction);
  const deps = { tenantId, tenantKeys: tenantKeyringFor(env, config, tenantId), sealer: config.sealer };
  const sealed = await sealContact("person", staffId, { email, name: "Somebody of the operator" }, deps);
  const lookup = mailLookup(config.pseudonymPepper, email);
  await runInDurableObject(env.CELL_DESK.getByName("cell"), (_, { storage }) =>
    storage.transactionSync(() => {
      const book = new SqlitePeopleBook(storage);
      book.addPerson({ id: staffId, role: null, sealed, lookup, createdAtMs: nowMs, removedAtMs: null });
      const expiresAtMs = nowMs + config.tokens.lifetimeS * 1000;
      const times = { createdAtMs: nowMs, expiresAtMs, seenAtMs: nowMs, endedAtMs: null, secondFactorAtMs };
      book.addSession({ id: sessionId, personId: staffId, device: "a test", ...times });
    }),
  );
  const token = await signSessionToken({ sub: staffId, sid: sessionId, tnt: null }, config.tokens, nowMs);
  return { staffId, sessionId, token, email };
}
