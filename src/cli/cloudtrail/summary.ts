/** What an import did, counted while it runs. */
import type { Receipt } from "../../client/index.ts";
import { count, safeText } from "../text.ts";

export interface BadRecord {
  file: string;
  /** Position in `Records`, 0-based; `null`: the file itself. */
  index: number | null;
  why: string;
}

/** The report names this many; all are counted. */
const NAMED_BAD_RECORDS = 1000;

export class ImportSummary {
  files = 0;
  records = 0;
  /** Mapped to an event (all that a dry run does). */
  mapped = 0;
  appended = 0;
  alreadyThere = 0;
  badRecords = 0;
  badFiles = 0;
  readonly bad: BadRecord[] = [];
  readonly skipped: { file: string; why: string }[] = [];
  /** Pointer patterns of values that were too large or too deep to be sent, with their number. */
  readonly leftOut = new Map<string, number>();
  /** Pointer patterns of private values that the server did not store: they are about people who were erased. */
  readonly dropped = new Map<string, number>();

  addReceipt(receipt: Receipt): void {
    if (receipt.replayed) this.alreadyThere++;
    else this.appended++;
    for (const pointer of receipt.dropped ?? []) bump(this.dropped, pattern(pointer));
  }

  addMapped(leftOut: readonly string[]): void {
    this.mapped++;
    for (const pointer of leftOut) bump(this.leftOut, pattern(pointer));
  }

  addBad(bad: BadRecord): void {
    if (bad.index === null) this.badFiles++;
    else this.badRecords++;
    if (this.bad.length < NAMED_BAD_RECORDS) this.bad.push(bad);
  }

  get allIn(): boolean {
    return this.badRecords === 0 && this.badFiles === 0;
  }

  toJson(): object {
    return {
      files: this.files,
      skipped: this.skipped,
      records: this.records,
      mapped: this.mapped,
      appended: this.appended,
      already_there: this.alreadyThere,
      bad_records: this.badRecords,
      bad_files: this.badFiles,
      bad: this.bad,
      left_out: Object.fromEntries(this.leftOut),
      dropped: Object.fromEntries(this.dropped),
    };
  }

  toLines(dryRun: boolean): string[] {
    const patterns = (map: Map<string, number>) => [...map].map(([pointer, n]) => `    ${safeText(pointer)}  ${n}`);
    return [
      `${count(this.files, "file")} read, ${this.skipped.length} skipped, ${count(this.records, "record")}`,
      dryRun ? `  would be sent     ${this.mapped}` : `  appended          ${this.appended}`,
      ...(dryRun ? [] : [`  already there     ${this.alreadyThere}`]),
      `  bad records       ${this.badRecords}`,
      ...(this.badFiles ? [`  unreadable files  ${this.badFiles}`] : []),
      ...(this.leftOut.size ? ["  left out here, too large or too deep for the log:", ...patterns(this.leftOut)] : []),
      ...(this.dropped.size ? ["  private, about people who were erased, not stored:", ...patterns(this.dropped)] : []),
    ];
  }
}

function bump(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}

/** Array indexes stand as `*`. */
function pattern(pointer: string): string {
  return pointer.replace(/\/\d+(?=\/|$)/g, "/*");
}
