/** `retention`: how long things are kept, what would go, what went. */
import type { Command } from "commander";
import { RESOURCE_NAMES } from "../../core/retention/resources.ts";
import { command, handle, type Session } from "../action.ts";
import { connectToTenant, type TenantFlags } from "../tenant.ts";
import { line, safeJson, safeText, table } from "../text.ts";

interface RetentionFlags extends TenantFlags {
  domain?: string;
  json?: boolean;
}

const common = (target: Command) =>
  target.option("--tenant <id>", "of this tenant (default: the credential's)").option("--json", "as JSON");
const ofDomain = (target: Command) => common(target).option("--domain <id>", "of the entries of this domain");

export function retentionCommand(session: Session): Command {
  return command("retention", "How long things are kept, what would go, and what went", ["moonseal retention show"])
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
    const { client, tenantId } = await connectToTenant(io, options);
    const answer = options.domain
      ? await client.retention.ofDomain(options.domain, { signal: io.signal })
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
    .argument("<resource>", RESOURCE_NAMES.join(", "))
    .argument("<duration>", "P7Y, P1Y6M, P90D, forever, or default")
    .option("--from <time>", "when it begins to hold (default: now)");
  handle<RetentionFlags & { from?: string }, [string, string]>(
    set,
    session,
    async (io, options, resource, duration) => {
      const { client, tenantId } = await connectToTenant(io, options);
      const call = { signal: io.signal };
      const from = options.from === undefined ? {} : { effective_from: options.from };
      const wanted = duration === "default" ? null : duration;
      const own = { [resource]: wanted } as { audit_entries: string | null };
      const answer = options.domain
        ? await client.retention.setOfDomain(options.domain, { policies: own, ...from }, call)
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
    const { client, tenantId } = await connectToTenant(io, options);
    if (options.domain) {
      const run = await client.retention.dryRunOfDomain(options.domain, { signal: io.signal });
      if (options.json) return line(io.stdout, safeJson(run));
      const range = run.entries === 0 ? "no entries" : `${run.entries} entries, ${run.from_seq} to ${run.to_seq - 1}`;
      line(io.stdout, safeText(`${range} (policy ${run.duration}; ends because of: ${run.ends_because})`));
      if (run.token !== null) line(io.stdout, safeText(`moonseal retention confirm ${options.domain} ${run.token}`));
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
    .argument("<domain>")
    .argument("<token>", "from the dry run");
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
