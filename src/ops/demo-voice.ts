/** How the demonstration speaks: plain lines; colour only beside a word that says the same, on a terminal, without NO_COLOR. */
const WIDTH = 88;
/** Where the text after a word like `ok` begins. */
const INDENT = "          ";

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
    good: (text) => line(wrapped(`  ${paint(32, "ok")}      `, text)),
    bad: (text) => line(wrapped(`  ${paint(31, "REFUTED")} `, text)),
  };
}

function wrapped(first: string, text: string): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1) as string;
    if (last !== "" && INDENT.length + last.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return first + lines.join(`\n${INDENT}`);
}

/** Whether a terminal is there that wants colour (https://no-color.org). */
export function wantsColour(env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  return isTerminal && !env.NO_COLOR && env.TERM !== "dumb";
}
