/** The trust policy that a cell suggests in its bundles. A file for people to read and to compare: no verifier takes it by itself. */
import type { NoteSigner } from "../../crypto/signer.ts";
import type { WitnessConfig } from "../witness/config.ts";

export interface SuggestedPolicy {
  logs: { origin: string; keys: readonly string[] }[];
  witnesses: ({ key: string; independent: boolean } | { keys: readonly string[]; independent: boolean })[];
  required: number;
}

/**
 * Trust in the keys of one log (`signer` is named like its origin), in the witnesses that the cell asks about it, and in as many
 * of the independent ones as it counts on itself.
 */
export function suggestedPolicy(
  signer: Pick<NoteSigner, "name" | "verifierKeys">,
  witnesses: readonly Pick<WitnessConfig, "verifierKey" | "verifierKeys" | "independent" | "origins">[],
  required: number,
): SuggestedPolicy {
  const asked = witnesses.filter(({ origins }) => origins === null || origins.includes(signer.name));
  const independent = asked.filter((witness) => witness.independent).length;
  return {
    logs: [{ origin: signer.name, keys: signer.verifierKeys }],
    witnesses: asked.map(({ verifierKey, verifierKeys, independent }) =>
      verifierKeys.length === 1 ? { key: verifierKey, independent } : { keys: verifierKeys, independent },
    ),
    required: Math.min(required, independent),
  };
}
