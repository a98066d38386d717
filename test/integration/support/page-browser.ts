/** A browser without script: keeps cookies, follows the links that it is given, and sends forms as pages of this origin do. */
export class PageBrowser {
  readonly #origin: string;
  readonly #cookies = new Map<string, string>();

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** The page behind an address of whatever host; mails name the public one. Follows redirects. */
  open(address: string): Promise<string> {
    const { pathname, search } = new URL(address, this.#origin);
    return this.#follow(pathname + search, {});
  }

  /** Sends a form; the page that comes of it. */
  send(path: string, fields: Record<string, string>): Promise<string> {
    const headers = {
      Origin: this.#origin,
      "Sec-Fetch-Site": "same-origin",
      "Content-Type": "application/x-www-form-urlencoded",
    };
    return this.#follow(path, { method: "POST", headers, body: new URLSearchParams(fields).toString() });
  }

  async #follow(path: string, init: RequestInit): Promise<string> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...init.headers, ...(cookie ? { Cookie: cookie } : {}) };
    const answer = await fetch(this.#origin + path, { ...init, headers, redirect: "manual" });
    for (const set of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      if (value === "" || /max-age=0/i.test(set)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    const text = await answer.text();
    const onward = answer.headers.get("Location");
    if (answer.status === 303 && onward) return this.#follow(onward, {});
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${text}`);
    return text;
  }
}
