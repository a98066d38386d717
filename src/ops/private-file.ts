/** Files that only their owner reads. */
import { renameSync, writeFileSync } from "node:fs";

/** Replaces `file` in one step, so that a crash leaves the old or the new content; mode 0600 from the first byte on. */
export function writePrivateFile(file: string, text: string): void {
  const draft = `${file}.${process.pid}.draft`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, file);
}
