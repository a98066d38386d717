/** The client for a tenant's key service, by its kind. */
import { AppError } from "../../core/errors.ts";
import {
  addressFault,
  addressOf,
  type KeyServiceCredentials,
  type KeyServiceSettings,
} from "../../core/key-service.ts";
import type { KeyService } from "../../services/ports.ts";
import { AwsKmsKeyService } from "./aws-kms.ts";
import { WIRE, type Wire } from "./exchange.ts";
import { HttpsKeyService } from "./https.ts";

/**
 * `local`: the cell is pinned to nowhere, so this machine may be called, also without TLS. Throws `request.invalid` for an
 * address that may not be called: a door that took it was wrong, and nothing is sent.
 */
export function connectKeyService(
  settings: KeyServiceSettings,
  credentials: KeyServiceCredentials,
  { local, wire = WIRE }: { local: boolean; wire?: Wire },
): KeyService {
  const fault = addressFault(addressOf(settings), local);
  if (fault !== null) throw new AppError("request.invalid", { detail: `the address of the key service ${fault}` });
  if (settings.kind === "aws_kms" && credentials.kind === "aws_kms") {
    return new AwsKmsKeyService(settings, credentials, wire);
  }
  if (settings.kind === "https" && credentials.kind === "https")
    return new HttpsKeyService(settings, credentials, wire);
  throw new AppError("internal", { internal: "a key service has credentials of another kind" });
}
