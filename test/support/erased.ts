/** A person erased from a domain's stores, without the use-case around it: suppression, key, rows. Runs in workerd. */
import { inLog } from "./cell.ts";

/** Whom the domain's object takes an identity id for. */
export const pseudonymIn = (domainId: string, identityId: string): Promise<string> =>
  inLog(domainId, async (log) => {
    const outcome = await log.person(identityId);
    if (!outcome.ok) throw new Error(outcome.code);
    return outcome.value.pseudonym;
  });

/** As the steps of an erasure leave the stores: nothing about the person is kept, nothing will be. */
export async function erasedFrom(domainId: string, identityId: string): Promise<string> {
  const pseudonym = await pseudonymIn(domainId, identityId);
  await inLog(domainId, async (log) => {
    log.sealed.suppress(pseudonym, Date.now());
    await log.stores.sealedRows.eraseSubject(pseudonym);
  });
  return pseudonym;
}
