/** `holds`: legal holds, before which erasure and retention stop. */
import type { Command } from "commander";
import type { LegalHold } from "../../client/index.ts";
import { command, handle, idArgument, instantArgument, type Session } from "../action.ts";
import { confirmRelease, saidOr } from "../holds/ask.ts";
import { printHold, printHolds, printPreview, unconfirmed } from "../holds/print.ts";
import { askedOf, type ScopeFlags, scopeOf, scopeOptions, type WhereFlags, whereOptions } from "../holds/scope.ts";
import { CODE, type Io } from "../io.ts";
import { connectToTenant, type TenantFlags } from "../tenant.ts";
import { line, safeJson, safeText } from "../text.ts";

interface HoldFlags extends TenantFlags {
  json?: boolean;
}

type PlaceFlags = HoldFlags & ScopeFlags & { reason?: string; reviewAt: string; owner?: string };

const common = (target: Command) =>
  target.option("--tenant <id>", "of this tenant (default: the credential's)").option("--json", "as JSON");
const reasoned = (target: Command) =>
  target.option("--reason <text>", "why; kept sealed (default: asked at the terminal, where no other user sees it)");

export function holdsCommand(session: Session): Command {
  return command("holds", "Legal holds: orders to keep, before which erasure and retention stop", [
    "moonseal holds",
    "moonseal holds place --in dom_eu_… --review-at 2027-06-30",
    "moonseal holds release hld_eu_…",
  ])
    .addCommand(listCommand(session), { isDefault: true })
    .addCommand(showCommand(session))
    .addCommand(previewCommand(session))
    .addCommand(placeCommand(session))
    .addCommand(reviewCommand(session))
    .addCommand(releaseCommand(session));
}

function listCommand(session: Session): Command {
  const list = common(command("list", "List the holds, oldest first, released ones too", ["moonseal holds list"]));
  return handle<HoldFlags>(list, session, async (io, options) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const holds = await client.holds.list(tenantId, { signal: io.signal });
    if (options.json) return line(io.stdout, safeJson({ legal_holds: holds }));
    if (holds.length === 0) return line(io.stdout, "there is no legal hold");
    printHolds(io.stdout, holds, io.now());
  });
}

function showCommand(session: Session): Command {
  const show = common(
    command("show", "Show a hold: what it covers, its changes, and the domains it has not reached", [
      "moonseal holds show hld_eu_…",
    ]),
  ).argument("<hold id>", "hld_eu_… or hld_us_…", idArgument("legalHold"));
  return handle<HoldFlags, [string]>(show, session, async (io, options, holdId) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const hold = await client.holds.read(tenantId, holdId, { signal: io.signal });
    if (options.json) return line(io.stdout, safeJson(hold));
    printHold(io.stdout, hold, io.now());
  });
}

function previewCommand(session: Session): Command {
  const preview = whereOptions(
    common(
      command("preview", "Count what a hold by query would cover now; nothing is held by it", [
        "moonseal holds preview --query 'action:payment.* after:2026-01-01' --all",
        "moonseal holds preview --query subject:usr_42 --in dom_eu_…",
      ]),
    ),
  ).addHelpText("after", "\nEntries that are in the archive alone are not counted; a hold covers them too.");
  return handle<HoldFlags & WhereFlags>(preview, session, async (io, options) => {
    const query = askedOf(io, options);
    const { client, tenantId } = await connectToTenant(io, options);
    const answer = await client.holds.preview(tenantId, { query }, { signal: io.signal });
    if (options.json) return line(io.stdout, safeJson(answer));
    printPreview(io.stdout, answer);
  });
}

function placeCommand(session: Session): Command {
  const place = reasoned(
    scopeOptions(
      common(
        command("place", "Place a hold; it is in force where a domain's own log says so", [
          "moonseal holds place --all --review-at 2027-06-30",
          "moonseal holds place --range dom_eu_…:100-250 --owner legal@example.org --review-at 2027-06-30",
          "moonseal holds place --person - --review-at 2027-06-30 < people.txt",
          "moonseal holds place --resource sessions --review-at 2027-06-30",
          "moonseal holds place --query 'action:payment.*' --all --review-at 2027-06-30",
        ]),
      ),
    ),
  )
    .requiredOption(
      "--review-at <time>",
      "when somebody has to look at it again: a day, or an instant of RFC 3339",
      instantArgument,
    )
    .option("--owner <text>", "who answers for it; kept sealed")
    .addHelpText(
      "after",
      "\nAt least one of --query, --in, --all, --range, --person and --resource; --domain and a profile's domain hold nothing. Needs\nthe permission hold.manage. Exit codes: 0 in force everywhere, 1 refused, or not in force everywhere yet (it goes on by\nitself; see moonseal holds show), 2 wrong usage, 3 no answer: look at moonseal holds list before you place it again.",
    );
  return handle<PlaceFlags>(place, session, async (io, options) => {
    const scope = await scopeOf(io, options);
    const reason = await saidOr(io, options.reason, "reason");
    const { client, tenantId } = await connectToTenant(io, options);
    const { owner, reviewAt } = options;
    const wanted = { reason, review_at: reviewAt, scope, ...(owner === undefined ? {} : { owner }) };
    return changed(io, await client.holds.place(tenantId, wanted, { signal: io.signal }), "active", options);
  });
}

function reviewCommand(session: Session): Command {
  const review = common(
    command("review", "Record that a hold was reviewed, and when the next review is due", [
      'moonseal holds review hld_eu_… --note "the case is open" --review-at 2027-12-31',
    ]),
  )
    .argument("<hold id>", "hld_eu_… or hld_us_…", idArgument("legalHold"))
    .option("--note <text>", "what came of it; kept sealed (default: asked at the terminal)")
    .requiredOption(
      "--review-at <time>",
      "when the next one is due: a day, or an instant of RFC 3339",
      instantArgument,
    );
  return handle<HoldFlags & { note?: string; reviewAt: string }, [string]>(
    review,
    session,
    async (io, options, holdId) => {
      const wanted = { note: await saidOr(io, options.note, "note"), review_at: options.reviewAt };
      const { client, tenantId } = await connectToTenant(io, options);
      const hold = await client.holds.review(tenantId, holdId, wanted, { signal: io.signal });
      if (options.json) return line(io.stdout, safeJson(hold));
      printHold(io.stdout, hold, io.now());
    },
  );
}

function releaseCommand(session: Session): Command {
  const release = reasoned(
    common(
      command("release", "Release a hold, for good: retention and erasure go on at once", [
        "moonseal holds release hld_eu_…",
        'moonseal holds release hld_eu_… --reason "settled, 3 O 112/26" --yes',
      ]),
    ),
  )
    .argument("<hold id>", "hld_eu_… or hld_us_…", idArgument("legalHold"))
    .option("--yes", "without the question whether it is meant")
    .addHelpText(
      "after",
      "\nNeeds the permission hold.manage, and hold.read without --yes. Exit codes: 0 released everywhere, 1 refused, not confirmed,\nor not released everywhere yet (it goes on by itself), 2 wrong usage, 3 no answer or no access.",
    );
  return handle<HoldFlags & { reason?: string; yes?: boolean }, [string]>(
    release,
    session,
    async (io, options, holdId) => {
      const { client, tenantId } = await connectToTenant(io, options);
      if (!options.yes) await confirmRelease(io, await client.holds.read(tenantId, holdId, { signal: io.signal }));
      const reason = await saidOr(io, options.reason, "reason");
      const hold = await client.holds.release(tenantId, holdId, reason, { signal: io.signal });
      return changed(io, hold, "released", options);
    },
  );
}

/** Shows it. The code says whether every domain is where it should be. */
function changed(io: Io, hold: LegalHold, wanted: LegalHold["status"], { json }: HoldFlags): number {
  if (json) line(io.stdout, safeJson(hold));
  else printHold(io.stdout, hold, io.now());
  if (hold.status === wanted) return CODE.ok;
  const waiting = unconfirmed(hold).length;
  const where = waiting > 0 ? `${waiting} of ${hold.domains.length} domains have not confirmed` : "not told everywhere";
  line(io.stderr, safeText(`moonseal: ${hold.status}: ${where}; it goes on by itself: moonseal holds show ${hold.id}`));
  return CODE.failed;
}
