/**
 * The action of a CloudTrail record: `<service>.<event name>`, both in lower snake case. Names in a log can never be fixed, so the rules below are
 * frozen; the exact `eventSource` and `eventName` stand in the entry's clear metadata.
 *
 *   s3.amazonaws.com           GetBucketACL          s3.get_bucket_acl
 *   s3.amazonaws.com           ListObjectsV2         s3.list_objects_v2
 *   sts.amazonaws.com          AssumeRoleWithSAML    sts.assume_role_with_saml
 *   ec2.amazonaws.com          DescribeVPCs          ec2.describe_vpcs
 *   lambda.amazonaws.com       GetFunction20150331v2 lambda.get_function20150331v2
 *   audit.example.com          2Fast                 audit_example_com.event_2_fast
 */
import { ACTION_PATTERN, RESERVED_ACTION_NOUNS } from "../../core/event.ts";

export type ActionName = { ok: true; action: string } | { ok: false; why: string };

const MAX_ACTION_CHARS = 128;
const AWS_SUFFIX = /\.(?:amazonaws\.com(?:\.cn)?|aws\.amazon\.com)$/;
/** Words that the rules for capitals would tear apart. */
const ODD_WORDS: readonly [RegExp, string][] = [
  [/IPv(?=[46])/g, "Ipv"],
  [/OAuth(?=$|[A-Z0-9])/g, "Oauth"],
  [/IoT(?=$|[A-Z0-9])/g, "Iot"],
];

/** A valid action that no reserved noun begins, or why there is none. */
export function actionName(eventSource: string, eventName: string): ActionName {
  const service = startWithLetter(snakeCase(eventSource.replace(AWS_SUFFIX, "")), "aws_");
  const verb = startWithLetter(snakeCase(eventName), "event_");
  if (!service) return { ok: false, why: "eventSource names no service" };
  if (!verb) return { ok: false, why: "eventName names no action" };
  const noun = RESERVED_ACTION_NOUNS.includes(service) ? `aws_${service}` : service;
  const action = `${noun}.${verb}`;
  if (action.length > MAX_ACTION_CHARS)
    return { ok: false, why: `the action is longer than ${MAX_ACTION_CHARS} characters` };
  return ACTION_PATTERN.test(action) ? { ok: true, action } : { ok: false, why: "eventName gives no valid action" };
}

/** `ListMFADevices` → `list_mfa_devices`. Whatever is no ASCII letter or digit separates words. */
export function snakeCase(name: string): string {
  const even = ODD_WORDS.reduce((text, [odd, plain]) => text.replace(odd, plain), name);
  return (
    even
      // A plural of an acronym is one word: VPCs, ACLs.
      .replace(/([A-Z]{2,})s(?![a-z])/g, (_, acronym: string) => `_${capitalised(acronym)}s_`)
      .replace(/([A-Z]+)(?=[A-Z][a-z])/g, "$1_")
      .replace(/([a-z0-9])(?=[A-Z])/g, "$1_")
      .replace(/[^A-Za-z0-9]+/g, "_")
      .toLowerCase()
      .replace(/^_+|_+$/g, "")
      .replace(/__+/g, "_")
  );
}

const capitalised = (word: string) => word.charAt(0) + word.slice(1).toLowerCase();
const startWithLetter = (word: string, prefix: string) => (/^[0-9]/.test(word) ? prefix + word : word);
