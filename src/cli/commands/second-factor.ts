/** `second-factor`: one's own authenticator app and recovery codes, and showing one to go on. */
import type { Command } from "commander";
import encodeQR from "qr";
import type { MoonsealClient, SecondFactorAdded } from "../../client/index.ts";
import type { Jurisdiction } from "../../core/ids.ts";
import { command, handle, type Session } from "../action.ts";
import { type ConnectionFlags, connect } from "../connection.ts";
import { CliError, type Io } from "../io.ts";
import { readLine } from "../line-input.ts";
import { readToken } from "../session-token.ts";
import { factorOf } from "../step-up.ts";
import { line, relative, safeJson, safeText, table } from "../text.ts";

interface JsonFlag {
  json?: boolean;
}

const CODE_CHARS = 40;
const ASK = "Code of your authenticator app, or a recovery code: ";

export function secondFactorCommand(session: Session): Command {
  const show = command("show", "Show a second factor: opens what is sensitive to this session for 15 minutes", [
    "moonseal second-factor",
    "printf 123456 | moonseal second-factor show",
  ]);
  handle<ConnectionFlags>(show, session, async (io, options) => {
    const { client, jurisdiction } = await connectPerson(io, options);
    const factor = factorOf(await codeOf(io, ASK));
    const shown = await client.secondFactors.show(jurisdiction, factor, { signal: io.signal });
    const left = "totp" in factor ? "" : `; ${shown.recovery_codes_left} recovery codes are left`;
    line(io.stdout, safeText(`shown; good until ${shown.good_until}${left}`));
  });
  const list = command("list", "List your second factors", ["moonseal second-factor list"]).option("--json", "as JSON");
  handle<JsonFlag>(list, session, listFactors);
  const add = command("add", "Add an authenticator app, or replace the one there is", ["moonseal second-factor add"]);
  handle<ConnectionFlags>(add, session, addTotp);
  const confirm = command("confirm", "Finish adding an authenticator app, with a code of it from standard input", [
    "printf 123456 | moonseal second-factor confirm",
  ]);
  handle<ConnectionFlags>(confirm, session, async (io, options) => {
    const { client, jurisdiction } = await connectPerson(io, options);
    await confirmTotp(io, client, jurisdiction, await codeOf(io, "Code that the app shows: "));
  });
  const codes = command("recovery-codes", "Have ten new recovery codes; the old ones are void", [
    "moonseal second-factor recovery-codes",
  ]);
  handle<ConnectionFlags>(codes, session, async (io, options) => {
    const { client, jurisdiction } = await connectPerson(io, options);
    printCodes(io, (await client.secondFactors.newRecoveryCodes(jurisdiction, { signal: io.signal })).recovery_codes);
  });
  const remove = command("remove", "Remove your authenticator app", ["moonseal second-factor remove"]);
  handle<ConnectionFlags>(remove, session, async (io, options) => {
    const { client, jurisdiction } = await connectPerson(io, options);
    await client.secondFactors.removeTotp(jurisdiction, { signal: io.signal });
    line(io.stdout, "removed");
  });
  return command("second-factor", "Show, add and remove your second factors", ["moonseal second-factor"])
    .addCommand(show, { isDefault: true })
    .addCommand(list)
    .addCommand(add)
    .addCommand(confirm)
    .addCommand(codes)
    .addCommand(remove);
}

async function connectPerson(io: Io, options: ConnectionFlags) {
  const { client, key } = await connect(io, options);
  const jurisdiction = readToken(key)?.jurisdiction;
  if (!jurisdiction) throw new CliError("a key has no second factor: moonseal login");
  return { client, jurisdiction };
}

/** From the terminal, else from standard input. */
async function codeOf(io: Io, question: string): Promise<string> {
  const typed = io.stdin.isTTY ? await io.ask(question) : null;
  if (typed !== null) return typed.trim();
  return (await readLine(io, { question, what: "a code", maxChars: CODE_CHARS })).trim();
}

async function listFactors(io: Io, options: JsonFlag & ConnectionFlags): Promise<void> {
  const { client, jurisdiction } = await connectPerson(io, options);
  const factors = await client.secondFactors.list(jurisdiction, { signal: io.signal });
  if (options.json) return line(io.stdout, safeJson(factors));
  const { totp_added_at, passkeys, recovery_codes_left, shown_at } = factors;
  if (totp_added_at === null && passkeys.length === 0) {
    return line(io.stdout, "no second factor yet; add one: moonseal second-factor add");
  }
  table(io.stdout, [
    ...(totp_added_at ? [["authenticator app", `added ${totp_added_at}`]] : []),
    ...passkeys.map(({ name, added_at }) => ["passkey", `${name}, added ${added_at}`]),
    ["recovery codes", `${recovery_codes_left} left`],
    ["in this session", shown_at ? `shown ${relative(Date.parse(shown_at), io.now())}` : "not shown"],
  ]);
}

async function addTotp(io: Io, options: ConnectionFlags): Promise<void> {
  const { client, jurisdiction } = await connectPerson(io, options);
  const { uri, secret } = await client.secondFactors.beginTotp(jurisdiction, { signal: io.signal });
  if (io.stdout.isTTY) line(io.stdout, encodeQR(uri, "ascii"));
  line(io.stdout, safeText(uri));
  line(io.stdout, safeText(`secret, for typing: ${secret}`));
  const typed = (await io.ask("Add it to your authenticator app, and type the code that it shows: "))?.trim();
  if (!typed) {
    line(io.stderr, "moonseal: not added yet; within 15 minutes: moonseal second-factor confirm");
    return;
  }
  await confirmTotp(io, client, jurisdiction, typed);
}

async function confirmTotp(io: Io, client: MoonsealClient, jurisdiction: Jurisdiction, code: string): Promise<void> {
  const added: SecondFactorAdded = await client.secondFactors.confirmTotp(jurisdiction, code, { signal: io.signal });
  line(io.stdout, "added; the code also counts as shown in this session");
  if (added.recovery_codes) printCodes(io, added.recovery_codes);
}

function printCodes(io: Io, codes: readonly string[]): void {
  line(io.stderr, "moonseal: these recovery codes are shown once, and each is good once; keep them apart from the app");
  for (const code of codes) line(io.stdout, safeText(code));
}
