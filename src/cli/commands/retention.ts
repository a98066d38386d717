/** `retention`: how long things are kept, what would go, what went. */
import type { Command } from "commander";
import type { ResourceName } from "../../core/retention/resources.ts";
import { command, handle, idArgument, instantArgument, type Session } from "../action.ts";
import { CliError } from "../io.ts";
import { demandOfDomain, domainOf, RESOURCES_SAID, resourceName, wantedDuration } from "../retention/input.ts";
import { connectToTenant, type TenantFlags } from "../tenant.ts";
import { line, safeJson, safeText, table } from "../text.ts";

interface RetentionFlags extends TenantFlags {
  domain?: string;
  json?: boolean;
}

const common = (target: Command) =>
  target.option("--tenant <id>", "of this tenant (default: the credential's)").option("--json", "as JSON");
const ofDomain = (target: Command) =>
  common(target).option("--domain <id>", "of the entries of this domain: dom_eu_… or dom_us_…");

export function retentionCommand(session: Session): Command {
  return command("retention", "How long things are kept, what would go, and what went", [
    "moonseal retention",
    "moonseal retention set audit_entries P7Y --domain dom_eu_…",
    "moonseal retention dry-run --domain dom_eu_…",
    "moonseal retention runs",
  ])
    .addCommand(showCommand(session), { isDefault: true })
    .addCommand(setCommand(session))
    .addCommand(dryRunCommand(session))
    .addCommand(confirmCommand(session))
    .addCommand(runsCommand(session))
    .addCommand(runCommand(session));
}

function showCommand(session: Session): Command {
  const show = ofDomain(command("show", "Show the policies that hold now", ["moonseal retention show"]));
  handle<RetentionFlags>(show, session, async (io, options) => {
    const domainId = domainOf(options);
    const { client, tenantId } = await connectToTenant(io, options);
    const answer = domainId
      ? await client.retention.ofDomain(domainId, { signal: io.signal })
      : await client.retention.read(tenantId, { signal: io.signal });
    if (options.json) return line(io.stdout, safeJson(answer));
    table(
      io.stdout,
      answer.policies.map(({ resource, duration, source, longest, enforced_by }) => [
        resource,
        duration,
        source,
        `at most ${longest}`,
        enforced_by === null ? "nothing removes it yet" : "",
      ]),
    );
    if (!("confirmed" in answer)) return;
    const confirmed = answer.confirmed ? `confirmed ${answer.confirmed.confirmed_at}` : "no dry run is confirmed";
    line(io.stdout, safeText(`${confirmed}${answer.confirmed ? "" : ": nothing is removed from this log"}`));
  });
  return show;
}

function setCommand(session: Session): Command {
  const set = ofDomain(
    command("set", "Change how long something is kept, or `default`: as the tier says again", [
      "moonseal retention set sessions P30D",
      "moonseal retention set audit_entries P7Y --domain dom_eu_…",
      "moonseal retention set audit_entries default",
    ]),
  )
    .argument("<resource>", RESOURCES_SAID, resourceName)
    .argument("<duration>", "P7Y, P1Y6M, P90D, forever, or default", wantedDuration)
    .option(
      "--from <time>",
      "when it begins to hold: a day, or an instant of RFC 3339 (default: now)",
      instantArgument,
    );
  handle<RetentionFlags & { from?: string }, [ResourceName, string | null]>(
    set,
    session,
    async (io, options, resource, wanted) => {
      const domainId = domainOf(options);
      if (domainId) demandOfDomain(resource);
      if (wanted === null && options.from && !domainId)
        throw new CliError("default holds from now on: leave --from out");
      const { client, tenantId } = await connectToTenant(io, options);
      const call = { signal: io.signal };
      const from = options.from === undefined ? {} : { effective_from: options.from };
      const own = { [resource]: wanted } as { audit_entries: string | null };
      const answer = domainId
        ? await client.retention.setOfDomain(domainId, { policies: own, ...from }, call)
        : wanted === null
          ? await client.retention.reset(tenantId, resource, call)
          : await client.retention.set(tenantId, resource, { duration: wanted, ...from }, call);
      if (options.json) return line(io.stdout, safeJson(answer));
      const now = answer.policies.find((policy) => policy.resource === resource);
      line(io.stdout, safeText(`${resource}: ${now?.duration ?? "?"} now`));
      for (const { duration: later, effective_from } of now?.scheduled ?? []) {
        line(io.stdout, safeText(`from ${effective_from}: ${later ?? "default"}`));
      }
    },
  );
  return set;
}

function dryRunCommand(session: Session): Command {
  const dryRun = ofDomain(
    command("dry-run", "Show what would go now; nothing goes", [
      "moonseal retention dry-run",
      "moonseal retention dry-run --domain dom_eu_…",
    ]),
  );
  handle<RetentionFlags>(dryRun, session, async (io, options) => {
    const domainId = domainOf(options);
    const { client, tenantId } = await connectToTenant(io, options);
    if (domainId) {
      const run = await client.retention.dryRunOfDomain(domainId, { signal: io.signal });
      if (options.json) return line(io.stdout, safeJson(run));
      const range = run.entries === 0 ? "no entries" : `${run.entries} entries, ${run.from_seq} to ${run.to_seq - 1}`;
      line(io.stdout, safeText(`${range} (policy ${run.duration}; ends because of: ${run.ends_because})`));
      if (run.token !== null) line(io.stdout, safeText(`moonseal retention confirm ${domainId} ${run.token}`));
      return;
    }
    const run = await client.retention.dryRun(tenantId, { signal: io.signal });
    if (options.json) return line(io.stdout, safeJson(run));
    table(
      io.stdout,
      run.resources.map(({ resource, duration, before, planned, held }) => [
        resource,
        duration,
        before === null ? "for ever" : `before ${before}`,
        `${planned} would go`,
        `${held} held`,
      ]),
    );
  });
  return dryRun;
}

function confirmCommand(session: Session): Command {
  const confirm = common(
    command("confirm", "Confirm a dry run: from now on retention may remove entries of the domain", [
      "moonseal retention confirm dom_eu_… TOKEN",
    ]),
  )
    .argument("<domain>", "whose dry run it was: dom_eu_… or dom_us_…", idArgument("domain"))
    .argument("<token>", "from the dry run; good for a week")
    .addHelpText(
      "after",
      "\nEvery later policy that is as long or longer needs no other one. Legal holds still keep what they cover.",
    );
  handle<RetentionFlags, [string, string]>(confirm, session, async (io, options, domain, token) => {
    const { client } = await connectToTenant(io, options);
    const confirmed = await client.retention.confirm(domain, token, { signal: io.signal });
    line(
      io.stdout,
      options.json ? safeJson(confirmed) : safeText(`confirmed for policies of ${confirmed.duration} or more`),
    );
  });
  return confirm;
}

function runsCommand(session: Session): Command {
  const runs = common(command("runs", "List what retention did, newest first", ["moonseal retention runs"]));
  handle<RetentionFlags>(runs, session, async (io, options) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const answer = await client.retention.runs(tenantId, null, { signal: io.signal });
    if (options.json) return line(io.stdout, safeJson(answer));
    if (answer.runs.length === 0) return line(io.stdout, "retention has not run yet");
    table(
      io.stdout,
      answer.runs.map(({ number, started_at, status, done, planned, held, failed }) => [
        String(number),
        started_at,
        status,
        `${done} of ${planned} gone`,
        `${held} held`,
        failed > 0 ? `${failed} failed` : "",
      ]),
    );
  });
  return runs;
}

function runCommand(session: Session): Command {
  const run = common(command("run", "Run retention now", ["moonseal retention run"]));
  handle<RetentionFlags>(run, session, async (io, options) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const begun = await client.retention.run(tenantId, { signal: io.signal });
    const { number, status, done, planned } = begun;
    line(io.stdout, options.json ? safeJson(begun) : safeText(`run ${number}: ${status}, ${done} of ${planned} gone`));
  });
  return run;
}
