/** What is said behind a list on standard error: how much there is, and how far was searched. */
import type { TenantQueryPage } from "../../client/index.ts";
import type { Io } from "../io.ts";
import { count, line } from "../text.ts";

export const searchedDomain = (through: number): string =>
  through < 0 ? "nothing is searchable yet" : `searched through #${through}`;

export function searchedTenant(domains: TenantQueryPage["domains"]): string {
  const behind = domains.filter((domain) => domain.behind).length;
  const late = behind === 0 ? "" : `, ${behind} of them not to their newest entry`;
  return `searched ${count(domains.length, "domain")}${late}`;
}

export function sayEnd(
  io: Io,
  { shown, more, searched, latest }: { shown: number; more: boolean; searched: string; latest: boolean },
): void {
  const newest = latest ? "" : "; --latest waits for what was appended just now";
  if (shown === 0) return line(io.stderr, `no entry matches; ${searched}${newest}`);
  const rest = more ? "; there are more: --all, or --limit" : "";
  if (more || io.stderr.isTTY) line(io.stderr, `${count(shown, "entry", "entries")}; ${searched}${rest}`);
}
