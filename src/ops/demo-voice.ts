/** How the demonstration speaks: plain lines; colour only beside a word that says the same, on a terminal, without NO_COLOR. */
const WIDTH = 78;

export interface Voice {
  title(text: string): void;
  say(text: string): void;
  /** What somebody typed or did. */
  did(text: string): void;
  good(text: string): void;
  bad(text: string): void;
}

export function voice(write: (text: string) => void, colour: boolean): Voice {
  const line = (text: string) => write(`${text}\n`);
  const paint = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  return {
    title: (text) => line(`\n── ${text} ${"─".repeat(Math.max(2, WIDTH - text.length - 4))}\n`),
    say: (text) => line(text === "" ? "" : `  ${text}`),
    did: (text) => line(`  > ${text}`),
    good: (text) => line(`  ${paint(32, "ok     ")} ${text}`),
    bad: (text) => line(`  ${paint(31, "REFUTED")} ${text}`),
  };
}

/** Whether a terminal is there that wants colour (https://no-color.org). */
export function wantsColour(env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  return isTerminal && !env.NO_COLOR && env.TERM !== "dumb";
}
