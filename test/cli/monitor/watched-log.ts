/** A log over HTTP with its signed tree, and the command that watches it. It can be rewritten, cut, damaged and switched off. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Command, CommanderError } from "commander";
import type { Session } from "../../../src/cli/action.ts";
import { monitorCommand } from "../../../src/cli/commands/monitor.ts";
import { describeError } from "../../../src/cli/errors.ts";
import type { Fetch } from "../../../src/client/index.ts";
import { fromHex } from "../../../src/core/bytes.ts";
import { formatCheckpoint } from "../../../src/core/checkpoint.ts";
import { cosignatureMessage, cosignerKeyHash, formatCosignature } from "../../../src/core/cosignature.ts";
import { formatNote, parseNote } from "../../../src/core/note.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { logSigner, SEEN_AT, WITNESS, witnessKey } from "../../verifier/proved-log.ts";
import { type Files, TiledLog } from "../../verifier/tiles/tiled-log.ts";
import { domainIdOf, LogDouble } from "../support/log-double.ts";
import type { CliResult, FakeIo } from "../support/run-cli.ts";
import { KEY_EU, ServerDouble } from "../support/server-double.ts";

export const DOMAIN = domainIdOf("eu");
export const ORIGIN = `log.test/${DOMAIN}`;

export class WatchedLog {
  readonly log: LogDouble;
  readonly server: ServerDouble;
  /** Served in place of what belongs there; null: not at all. */
  readonly instead = new Map<string, Uint8Array | string | null>();
  /** Answers of this status come in place of everything, so many times. */
  outage = { status: 0, times: 0 };
  isAway = false;
  /** Of the signed tree; fewer than the log has: the log is late. */
  signed: number;
  witnessed = true;
  key = KEY_EU;
  readonly asked: string[] = [];
  #url = "";

  constructor(entries = 20) {
    this.log = new LogDouble(DOMAIN).fill(entries - 1);
    this.server = new ServerDouble(this.log);
    this.signed = entries;
  }

  async start(): Promise<this> {
    this.#url = await this.server.start();
    return this;
  }

  grow(entries: number): this {
    this.log.fill(entries);
    this.signed = this.log.rows.length;
    return this;
  }

  /** Another history from `seq` on, of as many entries. */
  rewrite(seq: number): this {
    this.log.rewriteFrom(seq);
    return this;
  }

  /** The log as it was with fewer entries. */
  cut(entries: number): this {
    this.log.rows = this.log.rows.slice(0, entries);
    this.log.head = { size: entries, entry_hash: this.log.rows.at(-1)?.entry_hash ?? "" };
    this.signed = entries;
    return this;
  }

  tree(): TiledLog {
    const tree = new TiledLog();
    for (const row of this.log.rows.slice(0, this.signed)) tree.append(fromHex(row.entry_hash) as Uint8Array);
    return tree;
  }

  checkpoint(): string {
    const text = formatCheckpoint({ origin: ORIGIN, ...this.tree().head() });
    const note = logSigner(ORIGIN).sign(text);
    if (!this.witnessed) return note;
    const cosignature = {
      name: WITNESS,
      keyHash: cosignerKeyHash(sha256, WITNESS, witnessKey.publicKey),
      signature: formatCosignature(SEEN_AT, witnessKey.sign(cosignatureMessage(text, SEEN_AT))),
    };
    return formatNote({ text, signatures: [...(parseNote(note)?.signatures ?? []), cosignature] });
  }

  files(): Files {
    const files = this.tree().files();
    return files.set("checkpoint", new TextEncoder().encode(this.checkpoint()));
  }

  /** Writes the mirror of the log, as a folder of tiles. */
  async mirror(folder: string): Promise<void> {
    for (const [path, bytes] of this.files()) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), bytes);
    }
  }

  readonly fetch: Fetch = async (url, init) => {
    if (this.isAway) throw Object.assign(new Error("away"), { cause: { code: "ECONNREFUSED" } });
    const { pathname } = new URL(url);
    const path = pathname.split(`/v1/domains/${DOMAIN}/log/`)[1];
    if (path === undefined) return fetch(url.replace("http://cell.test", this.#url), init as RequestInit);
    this.asked.push(path);
    if (this.outage.times > 0) {
      this.outage.times--;
      return new Response("", { status: this.outage.status });
    }
    if (init.headers.authorization !== `Bearer ${this.key}`) return new Response("", { status: 401 });
    const bytes = this.instead.has(path) ? this.instead.get(path) : this.files().get(path);
    return bytes ? new Response(bytes as BodyInit) : new Response("", { status: 404 });
  };

  /** One command line, `monitor` in front. */
  async run(io: FakeIo, ...argv: string[]): Promise<CliResult> {
    const session: Session = { io, exitCode: 0, keys: [] };
    const program = new Command("moonseal")
      .option("--url <url>")
      .option("--domain <id>")
      .option("--key <key>", "", (key) => {
        session.keys.push(key);
        return key;
      })
      .addCommand(monitorCommand(session));
    for (const each of [program, ...program.commands]) {
      each
        .exitOverride()
        .configureOutput({ writeErr: (text) => io.stderr.write(text), writeOut: (text) => io.stdout.write(text) });
    }
    try {
      await program.parseAsync(["monitor", ...argv], { from: "user" });
    } catch (error) {
      if (error instanceof CommanderError) session.exitCode = 2;
      else {
        const { message, exitCode } = describeError(error);
        io.stderr.write(`moonseal: ${message}\n`);
        session.exitCode = exitCode;
      }
    }
    return { code: session.exitCode, stdout: io.stdout.text, stderr: io.stderr.text };
  }
}
