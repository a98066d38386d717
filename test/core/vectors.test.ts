/**
 * Golden vectors: made once, pinned. Each is computed twice, by the product and by `node:crypto` alone, so that a change of
 * our code or of a vector shows. Do not "repair" a vector: a new format gets a new version and a new file (SPEC.md §11).
 */
import { createHash, createHmac, hkdfSync } from "node:crypto";
import { expect, test } from "vitest";
import { formatApiKey, formatOperatorSecret, parseApiKey } from "../../src/core/api-key.ts";
import { fromHex, toHex } from "../../src/core/bytes.ts";
import { entryHash, genesisHash } from "../../src/core/chain.ts";
import { privateCommitment } from "../../src/core/commitment.ts";
import { encodePayload, parsePayload } from "../../src/core/payload/payload.ts";
import { encodeSegment, segmentKey, segmentMetadata } from "../../src/core/segment.ts";
import { apiKeyMac } from "../../src/crypto/api-key-mac.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { noteSigner } from "../../src/crypto/signer.ts";
import { deriveDomainKeys, subjectPseudonym } from "../../src/crypto/tenant-keys.ts";
import apiKey from "../vectors/api-key.json" with { type: "json" };
import chain from "../vectors/chain.json" with { type: "json" };
import commitment from "../vectors/commitment.json" with { type: "json" };
import keys from "../vectors/keys.json" with { type: "json" };
import note from "../vectors/note.json" with { type: "json" };
import segment from "../vectors/segment.json" with { type: "json" };

const bytes = (hex: string) => fromHex(hex) as Uint8Array;
const sha = (...parts: (Uint8Array | string)[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
};
const mac = (key: string, message: Uint8Array | string) =>
  createHmac("sha256", Buffer.from(key, "hex")).update(message).digest("hex");
const derived = (label: string) =>
  Buffer.from(
    hkdfSync("sha256", bytes(keys.tenant_root), bytes(keys.cell_pepper), `moonseal/${label}/v1\n${keys.domain}`, 32),
  ).toString("hex");
const domainKeys = () => deriveDomainKeys(bytes(keys.cell_pepper), bytes(keys.tenant_root), keys.domain);

/** Every pin tells who breaks when it changes. */
const breaks = (who: string) => `this format is released: changing it breaks ${who}`;

test("S0-30 the entry hash is SHA-256(prev_hash ‖ payload)", () => {
  for (const entry of chain.entries) {
    const ours = toHex(entryHash(sha256, bytes(entry.prev_hash), entry.payload));
    expect(ours, breaks("every verifier, every receipt ever handed out and every stored chain")).toBe(entry.entry_hash);
    expect(sha(bytes(entry.prev_hash), entry.payload)).toBe(entry.entry_hash);
  }
});

test("S0-15 each entry follows the one before, the first one the genesis value that it names", () => {
  const [first, second] = chain.entries;
  expect(second?.prev_hash).toBe(first?.entry_hash);
  expect(first?.prev_hash).toBe(chain.genesis);
  expect(JSON.parse(first?.payload ?? "").metadata.genesis).toBe(chain.genesis);
});

test("a previous hash of any other length than 32 bytes throws: the hashed input would be ambiguous", () => {
  for (const length of [0, 31, 33]) expect(() => entryHash(sha256, new Uint8Array(length), "{}")).toThrow(RangeError);
});

test("the payload's bytes are pinned", () => {
  for (const { payload } of chain.entries) {
    const parsed = parsePayload(payload);
    if (!parsed.ok) throw new Error(parsed.fault);
    const { v: _, domain, seq, id, recorded_at, salt, ...fields } = parsed.payload;
    const again = encodePayload(fields, { domain, seq, id, recorded_at, salt });
    expect(again, breaks("every stored entry: none could be re-encoded to what its hash covers")).toBe(payload);
  }
});

test("S0-31 genesis: HMAC-SHA-256 under the chain secret of the domain", () => {
  const who = breaks("entry 0 of every domain, and with it each chain from its first hash on");
  expect(toHex(domainKeys().genesis), who).toBe(keys.genesis);
  expect(toHex(genesisHash(sha256, bytes(keys.chain_secret), keys.domain)), who).toBe(keys.genesis);
  expect(mac(keys.chain_secret, `moonseal/genesis/v1\n${keys.domain}`)).toBe(keys.genesis);
  expect(derived("chain")).toBe(keys.chain_secret);
});

test("S4-19 the pseudonym is SHA-256(pepper(domain) ‖ identity id)", () => {
  const who = breaks(
    "every look-up of a person, every grouping by subject and every erasure of what is stored already",
  );
  expect(domainKeys().pseudonymOf(keys.identity_id), who).toBe(keys.pseudonym);
  expect(subjectPseudonym(bytes(keys.pepper), keys.identity_id), who).toBe(keys.pseudonym);
  expect(sha(bytes(keys.pepper), keys.identity_id)).toBe(keys.pseudonym);
  expect(derived("pepper")).toBe(keys.pepper);
});

test("what the object remembers of requests is keyed by the domain", () => {
  const { label, text, value } = keys.digest16;
  const who = breaks("the idempotency of requests that are retried across the upgrade: they would be stored twice");
  expect(toHex(domainKeys().digest16(label, text)), who).toBe(value);
  expect(mac(keys.digest_key, `${label}\n${text}`).slice(0, 32)).toBe(value);
  expect(derived("idempotency")).toBe(keys.digest_key);
});

test("the commitment to a private value", () => {
  const { salt, domain, entry_id, pointer, value, message } = commitment;
  const ours = toHex(privateCommitment(sha256, bytes(salt), { domain, entryId: entry_id, pointer }, value));
  expect(ours, breaks("every disclosure of a private value: it would no longer match its entry")).toBe(
    commitment.commitment,
  );
  const parts = ["moonseal/private/v1", domain, entry_id, pointer, JSON.stringify(value)].flatMap((part) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(part));
    return [length, Buffer.from(part)];
  });
  expect(Buffer.concat(parts).toString("hex")).toBe(message);
  expect(mac(salt, Buffer.concat(parts))).toBe(commitment.commitment);
  expect(() => privateCommitment(sha256, new Uint8Array(31), { domain, entryId: entry_id, pointer }, value)).toThrow();
});

test("a commitment is bound to its domain, entry, pointer and value", () => {
  const { salt, domain, entry_id, pointer, value } = commitment;
  const of = (d: string, e: string, p: string, v: string | null) =>
    toHex(privateCommitment(sha256, bytes(salt), { domain: d, entryId: e, pointer: p }, v));
  const variants = [
    of(domain, entry_id, pointer, value),
    of(`${domain}x`, entry_id, pointer, value),
    of(domain, `${entry_id}x`, pointer, value),
    of(domain, entry_id, `${pointer}x`, value),
    of(domain, entry_id, pointer, `${value}x`),
    of(domain, entry_id, pointer, null),
    of(domain, entry_id, pointer, "null"),
    of(domain, `${entry_id}${pointer[0]}`, pointer.slice(1), value),
  ];
  expect(new Set(variants).size).toBe(variants.length);
});

test("S2-15 API key, operator secret and what is stored of a key", () => {
  const secret = bytes(apiKey.secret);
  const who = breaks("every key that a customer holds");
  expect(formatApiKey("eu", apiKey.key_suffix, secret), who).toBe(apiKey.api_key);
  expect(formatOperatorSecret("us", secret), who).toBe(apiKey.operator_secret);
  expect(parseApiKey(apiKey.api_key)?.secret, who).toBe(apiKey.secret_base62);
  const stored = toHex(apiKeyMac(bytes(apiKey.api_key_pepper), apiKey.key_id, apiKey.secret_base62));
  expect(stored, who).toBe(apiKey.mac);
  expect(mac(apiKey.api_key_pepper, `moonseal/api-key/v1\n${apiKey.key_id}\n${apiKey.secret_base62}`)).toBe(apiKey.mac);
});

test("a signed note", () => {
  const signer = noteSigner(note.name, bytes(note.seed));
  const who = breaks("everyone who pinned a verifier key or keeps a signed report");
  expect(signer.verifierKey, who).toBe(note.verifier_key);
  expect(signer.keyId, who).toBe(note.key_id);
  expect(signer.sign(note.text), who).toBe(note.note);
  expect(sha(`${note.name}\n`, Uint8Array.of(1), bytes(note.public_key)).slice(0, 8)).toBe(note.key_id);
});

test("an archive segment: name, bytes and metadata", () => {
  const who = breaks("the reading back of everything that is archived and locked");
  const text = encodeSegment(chain.entries.map((entry) => entry.payload));
  expect(segmentKey(segment.domain, 0), who).toBe(segment.key);
  expect(sha(text), who).toBe(segment.metadata.sha256);
  expect(Buffer.byteLength(text)).toBe(segment.uncompressed_bytes);
  const head = {
    firstSeq: 0,
    count: 2,
    prevHash: chain.genesis,
    lastHash: chain.entries[1]?.entry_hash as string,
    sha256: sha(text),
  };
  expect(segmentMetadata(head), who).toEqual(segment.metadata);
});
