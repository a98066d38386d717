/** An OpenID provider without a network: as strict as RFC 6749 and RFC 7636, and as wrong as a test wants it. Runs in workerd. */
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import { sha256 } from "../../src/crypto/sha256.ts";
import { toBase64Url } from "../../src/services/access/jwt.ts";

export const ISSUER = "https://login.provider.net";
export const CLIENT = { id: "moonseal client", secret: "a secret: with+signs%and/more" };

type Answer = (request: Request) => Response | Promise<Response>;

export class OpenIdProvider {
  readonly asked: string[] = [];
  /** Replaces what one path answers. */
  readonly paths = new Map<string, Answer>();
  /** What its document says besides, or instead. */
  document: Record<string, unknown> = {};
  /** What its ID tokens say besides, or instead; undefined takes a claim away. */
  claims: Record<string, unknown> = {};
  header: Record<string, unknown> = {};
  userinfo: Record<string, unknown> | null = null;
  #codes = new Map<string, URLSearchParams>();
  #keys: { kid: string; privateKey: CryptoKey; jwk: JWK }[] = [];

  static async start(): Promise<OpenIdProvider> {
    const provider = new OpenIdProvider();
    await provider.addKey("first");
    return provider;
  }

  /** From now on it signs with this one. */
  async addKey(kid: string): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
    this.#keys.unshift({ kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: "RS256", use: "sig" } });
  }

  get jwks(): JWK[] {
    return this.#keys.map(({ jwk }) => jwk);
  }

  /** As if the person had signed in there: the query that comes back. */
  approve(address: string, answer: Record<string, string | undefined> = {}): Record<string, string> {
    const asked = new URL(address).searchParams;
    const code = crypto.randomUUID();
    this.#codes.set(code, asked);
    const query = { state: asked.get("state") ?? undefined, code, iss: ISSUER, ...answer };
    return Object.fromEntries(Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined));
  }

  fetch = async (request: Request): Promise<Response> => {
    const { origin, pathname } = new URL(request.url);
    this.asked.push(`${request.method} ${request.url}`);
    const replaced = this.paths.get(pathname);
    if (replaced) return replaced(request);
    if (origin !== ISSUER) throw new TypeError("no such host");
    if (pathname === "/.well-known/openid-configuration")
      return Response.json({ ...this.#document(), ...this.document });
    if (pathname === "/jwks") return Response.json({ keys: this.jwks });
    if (pathname === "/me" && this.userinfo) return Response.json(this.userinfo);
    return pathname === "/token" ? this.#token(request) : new Response("no", { status: 404 });
  };

  #document() {
    return {
      issuer: ISSUER,
      authorization_endpoint: `${ISSUER}/auth?tenant=1`,
      token_endpoint: `${ISSUER}/token`,
      userinfo_endpoint: `${ISSUER}/me`,
      jwks_uri: `${ISSUER}/jwks`,
      response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"],
      id_token_signing_alg_values_supported: ["RS256"],
      authorization_response_iss_parameter_supported: true,
    };
  }

  async #token(request: Request): Promise<Response> {
    const form = new URLSearchParams(await request.text());
    const asked = this.#codes.get(form.get("code") ?? "");
    this.#codes.delete(form.get("code") ?? "");
    const [id = "", secret = ""] = atob((request.headers.get("Authorization") ?? "").replace("Basic ", ""))
      .split(":")
      .map((part) => new URLSearchParams(`part=${part}`).get("part") ?? "");
    const proof = toBase64Url(sha256(form.get("code_verifier") ?? ""));
    const right =
      asked !== undefined &&
      id === CLIENT.id &&
      secret === CLIENT.secret &&
      form.get("grant_type") === "authorization_code" &&
      form.get("redirect_uri") === asked.get("redirect_uri") &&
      proof === asked.get("code_challenge");
    if (!right) return Response.json({ error: "invalid_grant" }, { status: 400 });
    const nowS = Math.floor(Date.now() / 1000);
    const id_token = await this.sign({
      iss: ISSUER,
      aud: CLIENT.id,
      sub: "248289761001",
      iat: nowS,
      exp: nowS + 300,
      nonce: asked.get("nonce"),
      ...this.claims,
    });
    return Response.json({ access_token: "access", token_type: "Bearer", id_token });
  }

  sign(claims: Record<string, unknown>): Promise<string> {
    const [key] = this.#keys;
    if (!key) throw new Error("a provider has a key");
    const said = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined)) as JWTPayload;
    const header = { alg: "RS256", kid: key.kid, ...this.header };
    return new SignJWT(said).setProtectedHeader(header).sign(key.privateKey);
  }
}
