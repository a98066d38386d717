import { describe, expect, test } from "vitest";
import { signerOf } from "../../../src/crypto/webhook-signer.ts";
import { monitoringConfig } from "../../../src/services/monitoring/settings.ts";

const cell = (loopback = false) =>
  ({ jurisdiction: "eu", logHost: "log.moonseal.test", loopback, seeds: [new Uint8Array(32)] }) as const;
const [KEY] = signerOf([new Uint8Array(32).fill(3)]).publicKeys as [string];

describe("where a cell tells whoever watches it", () => {
  test.each([
    "http://hc-ping.com/key",
    "https://127.0.0.1/key",
    "https://[::1]/key",
    "https://169.254.169.254/latest",
    "https://2130706433/key",
    "https://metadata.google.internal/key",
    "https://hc-ping.com:8443/key",
    "https://user:pass@hc-ping.com/key",
    "https://log.moonseal.test/key",
    "ftp://hc-ping.com/key",
    "hc-ping.com/key",
  ])("%s is refused in a deployment, and the refusal does not repeat it", (address) => {
    for (const name of ["ALERT_WEBHOOK", "HEALTHCHECKS_BASE", "PING_URL_WAKE_DOMAINS"]) {
      const refused = () => monitoringConfig({ [name]: address }, cell());
      expect(refused).toThrow(new RegExp(`^${name} must be https`));
      expect(refused).not.toThrow(/key|169|pass/);
    }
  });

  test("on a machine without jurisdictions the loopback may be asked, and nothing else that is private", () => {
    expect(monitoringConfig({ ALERT_WEBHOOK: "http://127.0.0.1:9/x" }, cell(true)).alertWebhook).toBe(
      "http://127.0.0.1:9/x",
    );
    expect(() => monitoringConfig({ ALERT_WEBHOOK: "http://192.168.0.1/x" }, cell(true))).toThrow(/ALERT_WEBHOOK/);
  });

  test("nothing is told where nothing is set, and a job's own address comes before the common one", () => {
    const none = monitoringConfig({}, cell());
    expect([none.alertWebhook, none.pingOf("wake_domains"), none.probes.size]).toEqual([null, null, 0]);
    const { pingOf } = monitoringConfig(
      { HEALTHCHECKS_BASE: "https://hc-ping.com/key/", PING_URL_LOG_COPY: "https://uptime.moonseal.org/p/1?x=2" },
      cell(),
    );
    expect(pingOf("wake_domains")).toBe("https://hc-ping.com/key/moonseal-eu-wake-domains");
    expect(pingOf("log.copy")).toBe("https://uptime.moonseal.org/p/1?x=2");
  });

  test.each(["frankfurt", `Frankfurt=${KEY}`, "a=whpk_AAAA", `a=${KEY},a=${KEY}`])(
    "PROBE_KEYS %s is refused",
    (text) => {
      expect(() => monitoringConfig({ PROBE_KEYS: text }, cell())).toThrow(/PROBE_KEYS/);
    },
  );

  test("PROBE_KEYS names probes with their keys", () => {
    const { probes } = monitoringConfig(
      { PROBE_KEYS: `ams=${KEY}, zrh-2=${signerOf([new Uint8Array(32)]).publicKeys[0]}` },
      cell(),
    );
    expect([...probes.keys()]).toEqual(["ams", "zrh-2"]);
    expect([...probes.values()].map((key) => key.length)).toEqual([32, 32]);
  });
});
