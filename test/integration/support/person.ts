/** Somebody with a browser, a terminal and an authenticator app. Time passes by the real clock, but nobody sleeps. */
import { TOTP, URI } from "otpauth";
import type { Io } from "../../../src/cli/io.ts";
import { type CliResult, fakeIo, runCli, tempDir } from "../../cli/support/run-cli.ts";
import { PageBrowser } from "./page-browser.ts";

export class Person {
  readonly home: string;
  readonly browser: PageBrowser;
  readonly #origin: string;
  /** A code of their app, of the step so many after that of its adding. */
  code: (steps: number) => string = () => {
    throw new Error("no authenticator app yet");
  };

  private constructor(origin: string, home: string) {
    this.#origin = origin;
    this.home = home;
    this.browser = new PageBrowser(origin);
  }

  static at = async (origin: string): Promise<Person> => new Person(origin, await tempDir());

  /** The page of whoever joined with the link of an invitation. */
  async join(link: string): Promise<string> {
    await this.browser.open(link);
    const token = new URL(link).searchParams.get("token") ?? "";
    return this.browser.send("/v1/auth/eu/invitation", { token, name: "" });
  }

  moonseal(argv: string[], more: Partial<Io> = {}): Promise<CliResult> {
    return runCli(argv, fakeIo(this.home, {}, { now: Date.now, ...more }));
  }

  /** Approved in the browser while the command waits for the third time. */
  async login(profile: string): Promise<CliResult & { waits: number[]; page: string }> {
    const io = fakeIo(this.home, {}, { now: Date.now });
    const waits: number[] = [];
    let page = "";
    const sleep = async (ms: number) => {
      waits.push(ms);
      if (waits.length > 5) throw new Error(`not approved: ${page}`);
      if (waits.length !== 3) return;
      const code = /type ([A-Z]{4}-[A-Z]{4}) at/.exec(io.stderr.text)?.[1] ?? "";
      page = await this.browser.open(`/v1/auth/eu/device?user_code=${code}`);
      await this.browser.send("/v1/auth/eu/device/approve", { user_code: code, decision: "approve" });
    };
    Object.assign(io, { sleep });
    const argv = ["login", "--profile", profile, "--url", this.#origin, "--jurisdiction", "eu"];
    return { ...(await runCli(argv, io)), waits, page };
  }

  addApp(): Promise<CliResult> {
    const io = fakeIo(this.home, {}, { now: Date.now });
    const ask = async () => {
      const app = URI.parse(/^otpauth:\S+/m.exec(io.stdout.text)?.[0] ?? "");
      if (!("period" in app)) throw new Error("an app whose codes do not go by time");
      const atMs = Date.now();
      this.code = (steps) => app.generate({ timestamp: atMs + steps * app.period * 1000 });
      return this.code(0);
    };
    return runCli(["second-factor", "add"], Object.assign(io, { ask }));
  }

  /** The page that comes of it, with the recovery codes. */
  async addAppInBrowser(): Promise<string> {
    const page = await this.browser.send("/v1/auth/eu/second-factors/app", {});
    const secret = /<code>([A-Z2-7 ]+)<.code>/.exec(page)?.[1]?.replaceAll(" ", "") ?? "";
    return this.browser.send("/v1/auth/eu/second-factors/app/confirm", { code: new TOTP({ secret }).generate() });
  }
}
