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
import { ACTION_PATTERN, MAX_ACTION_CHARS, RESERVED_ACTION_NOUNS } from "../../core/event.ts";
import { snakeCase } from "../../core/snake-case.ts";

export type ActionName = { ok: true; action: string } | { ok: false; why: string };

const AWS_SUFFIX = /\.(?:amazonaws\.com(?:\.cn)?|aws\.amazon\.com)$/;

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

const startWithLetter = (word: string, prefix: string) => (/^[0-9]/.test(word) ? prefix + word : word);
