/**
 * The guard of clear fields (S4-17, S0-29), at the door: what a domain's setting `personal_data_guard` says is done to personal
 * data that stands where everybody who reads the log will read it.
 *
 *   refuse   the event is refused; every place is named by its JSON Pointer, with the kind and never the value
 *   redact   a value of clear metadata, and the request id, becomes `[redacted:email]` and is named; in any other place (ids,
 *            types, roles, paths, names of caveats, keys) it is refused as above: another id would be another thing
 *   off      personal data is not looked for
 *
 * Card numbers and secrets are refused whatever it says: what has been sent here as one is no longer safe anyway, and whoever
 * sent it has to hear of it. Runs in the Worker, on the thread of the caller; what it finds is a likelihood, what it does not
 * find is no promise (docs/personal-data.md).
 */
import type { PersonalDataGuard } from "../../core/domain-settings.ts";
import type { FieldError } from "../../core/errors.ts";
import type { AuditEvent } from "../../core/event.ts";
import { LIMITS } from "../../core/limits.ts";
import { type ClearPlace, walkClear } from "../../core/payload/clear-fields.ts";
import { findCardOrSecret } from "../../core/payload/guard.ts";
import { type JsonValue, jsonPointer } from "../../core/strict-json.ts";
import type { EventCheck } from "./checks.ts";
import { FINDINGS, type Finding, type FindPersonalData, loadDetectors } from "./personal-data/find.ts";

/** Resolves when the detectors are there: at once but for the first domain of an isolate that is not `off`. */
export async function guardCheck(mode: PersonalDataGuard): Promise<EventCheck> {
  const find: FindPersonalData = mode === "off" ? findCardOrSecret : await loadDetectors();
  return (event) => {
    const found = findingsIn(event, find);
    if (found.length === 0) return { event };
    const refused = found.filter(({ finding, replaceable }) => mode !== "redact" || !replaceable || isAlways(finding));
    if (refused.length > 0)
      return { code: "entry.refused", errors: refused.slice(0, LIMITS.guardFindings).map(errorOf) };
    return { event: redacted(event, found), redacted: found.map(({ tokens }) => jsonPointer(...tokens)) };
  };
}

interface Found extends Pick<ClearPlace, "tokens" | "replaceable"> {
  finding: Finding;
}

function findingsIn(event: AuditEvent, find: FindPersonalData): Found[] {
  const found: Found[] = [];
  walkClear(event, (text, { tokens, called, replaceable }) => {
    const finding = find(text, called);
    if (finding) found.push({ tokens: [...tokens], replaceable, finding });
    return false;
  });
  return found;
}

const isAlways = (finding: Finding) => finding === "card_number" || finding === "secret";

const errorOf = ({ tokens, finding }: Found): FieldError => ({
  pointer: jsonPointer(...tokens),
  detail: `holds what looks like ${FINDINGS[finding].says}`,
});

/** A copy with the values replaced. The places exist: they were just walked. */
function redacted(event: AuditEvent, found: readonly Found[]): AuditEvent {
  const copy = structuredClone(event);
  for (const { tokens, finding } of found) {
    let place = copy as unknown as { [token: string]: JsonValue };
    for (const token of tokens.slice(0, -1)) place = place[token] as { [token: string]: JsonValue };
    place[tokens.at(-1) as string] = `[redacted:${FINDINGS[finding].redacted}]`;
  }
  return copy;
}
