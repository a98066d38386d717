/** A headless Chromium over its DevTools protocol, when the machine has one: `CHROMIUM` names it, or a well-known command does. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const COMMANDS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const START_MS = 20_000;

/** The command; null: there is none here. */
export function findChromium(): string | null {
  const named = process.env.CHROMIUM;
  const candidates = named ? [named] : COMMANDS;
  return candidates.find((command) => spawnSync(command, ["--version"]).status === 0) ?? null;
}

export interface Tab {
  send(method: string, params?: object): Promise<Record<string, unknown>>;
  /** The value of an expression; promises are awaited. */
  evaluate<Value>(expression: string): Promise<Value>;
  /** Addresses that were asked for, in order. */
  requests: string[];
  /** What the page said about itself: errors, broken rules of its policy. */
  complaints: string[];
}

export async function withTab(command: string, url: string, use: (tab: Tab) => Promise<void>): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), "moonseal-chromium-"));
  const flags = [
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-extensions",
  ];
  // Its own sandbox needs a user that is not root.
  const args = [...flags, "--no-sandbox", "--remote-debugging-port=0", `--user-data-dir=${home}`, "about:blank"];
  const browser = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
  try {
    const address = await addressOf(browser.stderr);
    const targets = (await (await fetch(`http://${new URL(address).host}/json/list`)).json()) as {
      type: string;
      webSocketDebuggerUrl: string;
    }[];
    const target = targets.find(({ type }) => type === "page");
    if (!target) throw new Error("the browser shows no page");
    const tab = await connect(target.webSocketDebuggerUrl);
    for (const domain of ["Page", "Runtime", "Network", "Log"]) await tab.send(`${domain}.enable`);
    await tab.send("Page.navigate", { url });
    await tab.evaluate(
      "new Promise((done) => document.readyState === 'complete' ? done() : addEventListener('load', done))",
    );
    await use(tab);
  } finally {
    const ended = new Promise((resolve) => browser.once("exit", resolve));
    browser.kill("SIGKILL");
    await ended;
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

function addressOf(stderr: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const late = setTimeout(() => reject(new Error(`Chromium did not start: ${text.slice(-500)}`)), START_MS);
    stderr.on("data", (chunk) => {
      text += chunk;
      const found = /ws:\/\/\S+/.exec(text)?.[0];
      if (!found) return;
      clearTimeout(late);
      resolve(found);
    });
  });
}

interface Message {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
}

async function connect(address: string): Promise<Tab> {
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", reject, { once: true });
  });
  const waiting = new Map<number, (message: Message) => void>();
  const tab: Tab = { send, evaluate, requests: [], complaints: [] };
  let last = 0;
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.id !== undefined) waiting.get(message.id)?.(message);
    else note(tab, message);
  });
  async function send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++last;
    const answer = await new Promise<Message>((resolve) => {
      waiting.set(id, resolve);
      socket.send(JSON.stringify({ id, method, params }));
    });
    if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
    return answer.result ?? {};
  }
  async function evaluate<Value>(expression: string): Promise<Value> {
    const { result, exceptionDetails } = (await send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
      userGesture: true,
    })) as { result: { value: Value }; exceptionDetails?: { text: string } };
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.text}`);
    return result.value;
  }
  return tab;
}

function note(tab: Tab, { method, params = {} }: Message): void {
  if (method === "Network.requestWillBeSent") tab.requests.push((params.request as { url: string }).url);
  if (method === "Log.entryAdded") tab.complaints.push((params.entry as { text: string }).text);
  if (method === "Runtime.exceptionThrown") tab.complaints.push(JSON.stringify(params.exceptionDetails));
  if (method === "Runtime.consoleAPICalled") tab.complaints.push(JSON.stringify(params.args));
}
