/** The two places of files: configuration and state (XDG Base Directory Specification). */
import { mkdir, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import type { Io } from "./io.ts";

export function configPath(io: Io): string {
  return join(xdg(io, "XDG_CONFIG_HOME", ".config"), "moonseal", "config.json");
}

export function headPath(io: Io, domainId: string): string {
  return join(xdg(io, "XDG_STATE_HOME", ".local/state"), "moonseal", "heads", `${domainId}.json`);
}

/** A relative value is invalid by the specification and ignored. */
function xdg(io: Io, name: string, fallback: string): string {
  const value = io.env[name];
  return value && isAbsolute(value) ? value : join(io.home, fallback);
}

/** `null` when there is no such file; throws for every other failure. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/**
 * Replaces a file as a whole, readable by its owner only: after a crash the old one or the new one stands there, and at
 * most a temporary file is left.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, text, { mode: 0o600, flush: true });
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
}
