/** Reads files one after the other and hands each record on, in order, as fast as they are taken: memory stays bounded. */

import { isAboutEvents } from "../../client/deliver.ts";
import type { AuditEvent, Receipt } from "../../client/index.ts";
import { describeError } from "../errors.ts";
import { readText, type SourceFile } from "./find-files.ts";
import { mapRecord } from "./map-record.ts";
import { parseRecord } from "./parse-record.ts";
import { type RawRecord, RecordSplitter } from "./split-records.ts";
import type { BadRecord, ImportSummary } from "./summary.ts";

export interface ImportTarget {
  /** Waits until there is room. */
  enqueue(event: AuditEvent): Promise<{ receipt: Promise<Receipt> }>;
  /** Waits until everything has its outcome. */
  close(): Promise<void>;
}

export interface ImportHooks {
  /** Each mapped event, before it is handed on. */
  onEvent?(file: string, index: number, event: AuditEvent): void;
  onBad(bad: BadRecord): void;
  onSkipped(file: string, why: string): void;
  onProgress(bytesRead: number, bytesTotal: number): void;
}

/**
 * Imports what can be imported: a bad record or file is reported and the rest goes on. Ends early, and throws, when the
 * target fails for another reason than one event; what was appended until then stays, and another run goes on from there.
 */
export class Importer {
  readonly #target: ImportTarget | null;
  readonly #summary: ImportSummary;
  readonly #hooks: ImportHooks;
  #fatal: { error: unknown } | null = null;
  #stop: () => void;

  /** Without a target nothing is sent (a dry run). `stop` is called when there is no use in going on. */
  constructor(target: ImportTarget | null, summary: ImportSummary, hooks: ImportHooks, stop: () => void = () => {}) {
    this.#target = target;
    this.#summary = summary;
    this.#hooks = hooks;
    this.#stop = stop;
  }

  async run(files: readonly SourceFile[], signal: AbortSignal): Promise<void> {
    const total = files.reduce((sum, file) => sum + file.byteLength, 0);
    let read = 0;
    for (const { path } of files) {
      if (this.#fatal || signal.aborted) break;
      await this.#file(path, signal, (byteLength) => {
        read += byteLength;
        this.#hooks.onProgress(read, total);
      });
    }
    await this.#target?.close();
    if (this.#fatal) throw this.#fatal.error;
    signal.throwIfAborted();
  }

  async #file(path: string, signal: AbortSignal, onBytes: (byteLength: number) => void): Promise<void> {
    const splitter = new RecordSplitter();
    try {
      for await (const piece of readText(path, onBytes)) {
        for (const raw of splitter.push(piece)) {
          if (this.#fatal || signal.aborted) return;
          await this.#record(path, raw);
        }
      }
    } catch (error) {
      if (this.#fatal || signal.aborted) return;
      const code = (error as NodeJS.ErrnoException).code;
      // What is no fault of the file is no bad file.
      if (!code) throw error;
      return this.#bad({ file: path, index: null, why: `cannot be read after record ${splitter.index - 1}: ${code}` });
    }
    this.#ended(path, splitter);
  }

  #ended(path: string, splitter: RecordSplitter): void {
    if (!splitter.found) {
      const why = "it has no Records array, so it is no CloudTrail log file (a digest, perhaps)";
      this.#summary.skipped.push({ file: path, why });
      this.#hooks.onSkipped(path, why);
      return;
    }
    this.#summary.files++;
    if (!splitter.complete)
      this.#bad({ file: path, index: null, why: `it ends in the middle of record ${splitter.index}` });
  }

  async #record(file: string, { index, json }: RawRecord): Promise<void> {
    this.#summary.records++;
    const bad = (why: string) => this.#bad({ file, index, why });
    if (json === null) return bad("it is longer than any record of CloudTrail");
    const parsed = parseRecord(json);
    if (!parsed.ok) return bad(parsed.why);
    const mapped = mapRecord(parsed.record);
    if (!mapped.ok) return bad(mapped.why);
    this.#summary.addMapped(mapped.leftOut);
    this.#hooks.onEvent?.(file, index, mapped.event);
    if (!this.#target) return;
    const { receipt } = await this.#target.enqueue(mapped.event);
    receipt.then(
      (value) => this.#summary.addReceipt(value),
      (error) => {
        if (isAboutEvents(error)) return bad(describeError(error).message);
        this.#fatal ??= { error };
        this.#stop();
      },
    );
  }

  #bad(bad: BadRecord): void {
    this.#summary.addBad(bad);
    this.#hooks.onBad(bad);
  }
}
