/**
 * The triggers that a database must have, each with the SHA-256 of its SQL: one that was dropped is missed, and so is one
 * that was re-created with another body. test/migrations/guards.test.ts recomputes them from migrations/<database>/0002_guards.sql
 * and prints the lines to paste here when they differ. A guard is never dropped (AUDIT_DOWN_REFUSED): a stricter rule is
 * another trigger in a new file.
 */
import { toHex, utf8 } from "../core/bytes.ts";
import { sha256 } from "../crypto/sha256.ts";

/** Name → fingerprint. */
export type Guards = Readonly<Record<string, string>>;

export const LEDGER_GUARDS: Guards = {
  audit_log_no_update: "d1549360bf203a7a5d33daf8b740d62765a3bb4ee20f511578f1ae9d5e22f188",
  audit_log_no_delete: "dcb1553e6332185470ee15818c0d35cdfd32c34041cf88c7dc8cc451c0e51d78",
  audit_log_no_rewrite: "9c463705a52dfcaf7b67269c1f164173153f1f763fda02d5f0f380ad3454783f",
  audit_log_no_second_id: "f0c22decbca096e89639982d99b2b5620b6e1d6c310db036ececed20d78b3ae2",
  audit_log_no_second_hash: "5335734d06b819be80516851fadbe417c598368fdc6400d33759df7eb3983aa0",
  audit_log_chain: "f8081c7334e658f276b02cd01ab7a9c31a314d386e3ea90ebf31eb49b218786b",
  audit_log_caveat_names: "3f8384ef1e9c0176df70e0ce8579b74fe17ad10e5b6c1c8417a7efb9e9316298",
  ledger_base_no_update: "d8664f2c04d1cb2a6ba832a5e791ca959d68df7c6b0a52dcca69ed15fed9bf40",
  ledger_base_no_delete: "91664cb99e07041cf447e52b618abee4985140fcb3949f2458b664f995b31665",
  ledger_base_no_rewrite: "3e9190b952d37c01194c7ad47154228609e1fee43148fa286f18d151022303a4",
  ledger_release_no_update: "98b2e3a7c9b7c5f6934720ef5e9f469da851d97f20c37e7902617759cc962a78",
  ledger_release_no_delete: "6b4ad3ad0b1fcf6a0b3ef06b8b785b260b73eec87ee0f8cb2e5acabc59b8e4bb",
  ledger_release_no_rewrite: "a3c240a03e4af4ead2d62bc96b6420fb952f258bbaf3fc824f635e9af1b1cac3",
  ledger_release_prefix: "c7b680f873188320569db4f4b2c5a4813494c4118333c733d80d28f6dd8d3270",
  audit_log_not_pruned: "18398967591b6929b1e0805026025db9af0e382da1ae2024aaece161f5453205",
  audit_index_begins: "8ceddc4e95297ef27ec1499bef3f732aa7f705f76dae317d1355654bee840727",
  audit_index_step: "1025dcdb5619bf4fd9e003784fb9ce251fcc6551f25fdfcff334fec2c3fb45c4",
  audit_index_kept: "c2574262bc35b074c6b3c2f9ec7341a9f12799e74d165f3d10d63f85d751d739",
};

export const CONTROL_GUARDS: Guards = {
  tenant_pinned: "6acbde9e6661406b63cbd282b703918e2919562f766257bd0a91030f6404b9f5",
  domain_pinned: "96ccb7e3c24cd2669b16917cc7b9ba6d4fa8136574d8d94fbcc761e7c058b2b5",
  api_key_revoked_for_good: "158916742befcdfe08114b2630d7f4c641b9be855193862ea1ee6f64cbef7d31",
  tenant_not_replaced: "5226328d711528fe49216ab6dc68ba6d9adf4a3510441cbbb9edf51d80ec75d3",
  domain_not_replaced: "f3dd4a761c8dbf50faa8e23854dd4937c60b164abb3e4f8af02e43064ae1b466",
  api_key_not_revived: "e8c1459fa8dc0ec135983991fe3de20450a75a10d3255f41281a188e38e8bed9",
  api_key_owned: "59ef7c4ea6a56a53db3846ec20d69e166f9a5bec7aba021da4f023f1267b7d48",
  service_account_removed_for_good: "2d279738387bd035c55fc3c8bae67d561d1155a06a30c42ed480b9ee3904d2a8",
  event_type_version_frozen: "dd7ff01453a28d47a9e65bbda6b8db089fcd22d5f135a8304dcd0959ba29a48c",
  event_type_version_not_replaced: "f148923c59abfe9ac29a4288f8d6e45ebe576a467fc07cf7f04ec0db04a352f3",
  event_type_kept: "9b19ada34dc22f3105ecc348341428734ffbc3cb597e05b690145d85c0074e65",
  event_type_not_replaced: "6278ad696df963483da6fe8758af18cc6fd4d151e052e02e7796d1fdc35fbb57",
  data_retention_policies_frozen: "f2d1842263e356848e1d9ff37c66f4abcc45402cbfe4e2bf9a8904a357b403ce",
  data_retention_policies_not_replaced: "0c5bdb7aee1faa7823f90abc6e5f9d0ecd5eca4069a9bfccc928aa88e91dff97",
};

/** A trigger as `sqlite_master` holds it; untrusted. */
export interface StoredTrigger {
  name: string;
  sql: string;
}

export const TRIGGERS_SQL = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name";

/** SHA-256 of a CREATE TRIGGER statement in lower-case hex, whatever its white space and with or without its last semicolon. */
export function guardFingerprint(sql: string): string {
  const normal = sql.replaceAll(/\s+/g, " ").trim().replace(/ ?;$/, "");
  return toHex(sha256(utf8(normal)));
}

/** Names of the guards that are not among `triggers`, or are there with another body. Other triggers are not looked at. */
export function guardsMissing(guards: Guards, triggers: readonly StoredTrigger[]): string[] {
  const present = new Map(triggers.map(({ name, sql }) => [name, guardFingerprint(sql)]));
  return Object.keys(guards).filter((name) => present.get(name) !== guards[name]);
}
