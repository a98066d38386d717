/**
 * What no test shows yet: the whole of a requirement that no test carries, and what the tests of another one leave out. Every
 * requirement without a test has its line here, and a line that a test has overtaken fails `npm run check:claims`: it is taken out, or
 * moves to `IN_PART` with what is still missing. Written by whoever adds or takes away the test.
 */

const NOT_BUILT = "Not built yet";
const REQUESTS = `${NOT_BUILT}: requests of people (access, deletion with a time of grace, consent) and their records.`;
const ACTIONS = `${NOT_BUILT}: actions of connectors with approval, grant, undo and rollback.`;
const CONNECTORS = `${NOT_BUILT}: connectors.`;
const PUBLISHED = `${NOT_BUILT}: nothing of it is published.`;
const NO_TEST = "No test carries it yet";

const all = (ids: readonly string[], why: string): [string, string][] => ids.map((id) => [id, why]);
const range = (document: string, from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `${document}-${from + index}`);

/** Requirements that no test carries, and why. */
export const MISSING: Readonly<Record<string, string>> = Object.fromEntries([
  ...all([...range("S0", 1, 10), "S0-26", "S1-19", "S2-22", "S2-23"], REQUESTS),
  ...all(["S0-13", "S0-14"], `${NOT_BUILT}: the agreement on data processing, signed and accepted.`),
  ...all(["S0-27", "S0-28", "S3-48"], `${NOT_BUILT}: \`GET /v1/compliance\`, certifications as facts with evidence.`),
  ...all(
    ["S2-26", "S2-39"],
    `${NOT_BUILT}: opt-out by \`Sec-GPC\` and an endpoint for it. No page of this product asks an analytics host.`,
  ),
  ["S2-33", `${NO_TEST}: it needs a public hostname. Cloudflare terminates TLS; answers carry HSTS (S3-37).`],
  [
    "S2-35",
    `${NOT_BUILT}: promotion of a version after a look at its health. A deployment that fails half-way stops and says so.`,
  ],
  ...all(["S2-37", "S2-38"], `${NOT_BUILT}: scheduled controls on sample records.`),
  ["S2-40", `${NOT_BUILT}: a run of an accessibility checker over every page.`],
  ...all(["S3-1", "S3-2", "S3-3", "S3-49", "S3-50"], CONNECTORS),
  ...all([...range("S3", 4, 30), "S3-51", "S3-52"], ACTIONS),
  ["S3-39", `${NO_TEST}: there are no prices.`],
  ["S3-43", `${NOT_BUILT}: aggregates.`],
  ...all(["S3-46", "S3-47"], PUBLISHED),
]);

/** Requirements that tests carry, and what these do not show. */
export const IN_PART: Readonly<Record<string, string>> = {
  "S0-17":
    "Webhook deliveries and bills are entries when a client sends them; this product delivers and bills nothing itself.",
  "S0-24":
    "The jurisdictions of real databases and buckets are read back by provisioning; that was tested against a double of the account, as tests have none.",
  "S0-35": "Entries are pulled (pages, a live tail, exports); nothing is sent to an address by itself yet.",
  "S0-37": "The features for people's requests are every tier's by the table, and not built yet.",
  "S0-38": "Two of the three are promises of the tier, which the table gives to enterprise.",
  "S1-14": "There is no `isolation: dedicated` for one tenant; a tenant that needs it gets a deployment of its own.",
  "S1-21": "Opening what is private stands for the export of Art. 15, which is not built yet.",
  "S1-24": "A limit for each dashboard user holds at the API; the dashboard is not built yet.",
  "S2-4": "Rotation of slot secrets is run by the operator; tests drive it against local cells.",
  "S2-12": "There are no payouts and no tax exports here.",
  "S2-20": "Eviction is tested; a new deployment in the middle of a burst needs an account.",
  "S2-27": "Tax ids, payout details and OAuth tokens have their slots and no column yet.",
  "S2-28": "The bound is a policy. There are no invoices here, so no certificate of an erasure names them.",
  "S2-31": "Tokens of the operator's account are checked at a deployment, against a double of the account.",
  "S2-34": "Time Travel itself is the account's: it is in the runbook, and was not run against a real account.",
  "S2-46":
    "No answer of the gateway sets a cookie; signing in sets those that it needs. No browser has looked, and the console is not built yet.",
  "S3-31": "`pdfsig` verified it only where it is installed; openssl verifies the signature everywhere.",
  "S3-32":
    "Exports, reveals, holds, reads and approvals of access are entries; actions of connectors are not built yet.",
  "S3-33": "Tiers have other names: free is 90 days; enterprise is seven years, and for ever when a tenant says so.",
  "S3-36":
    "The clear fields of an entry (who as a pseudonym, what, when) are encrypted by the storage layer only; `docs/keys.md` says of each column which.",
  "S3-37": "HSTS is tested; the negotiated TLS version needs a public hostname.",
  "S3-42": "The bound is a table; connectors, and so what would be deleted, are not built yet.",
  "S4-3":
    "Nothing goes before somebody has confirmed a dry run of the domain; after that its keeper prunes by its alarm (decision 3).",
  "S4-7": "The program `zstd` opens what running cells wrote only where it is installed; zlib does so everywhere.",
  "S4-10":
    "The configuration says it, and two running cells show it; the jurisdictions of real buckets are read back by provisioning, against a double.",
  "S4-34":
    "Refusals are 404 at the gateway, where nobody is named who could serve the request; a cell that is not where it should be answers 503.",
};
