import fc from "fast-check";
import { expect, test } from "vitest";
import { actionName } from "../../../src/cli/cloudtrail/action-name.ts";
import { ACTION_PATTERN, RESERVED_ACTION_NOUNS } from "../../../src/core/event.ts";
import { snakeCase } from "../../../src/core/snake-case.ts";

/** Frozen: these names stand in logs. A change here breaks exactly-once for whoever imported before. */
test.each([
  ["s3.amazonaws.com", "GetBucketACL", "s3.get_bucket_acl"],
  ["s3.amazonaws.com", "GetBucketAcl", "s3.get_bucket_acl"],
  ["s3.amazonaws.com", "ListObjectsV2", "s3.list_objects_v2"],
  ["s3-outposts.amazonaws.com", "CreateEndpoint", "s3_outposts.create_endpoint"],
  ["sts.amazonaws.com", "AssumeRoleWithSAML", "sts.assume_role_with_saml"],
  ["iam.amazonaws.com", "ListMFADevices", "iam.list_mfa_devices"],
  ["iam.amazonaws.com", "UploadSSHPublicKey", "iam.upload_ssh_public_key"],
  ["iam.amazonaws.com", "CreateOpenIDConnectProvider", "iam.create_open_id_connect_provider"],
  ["ec2.amazonaws.com", "DescribeVPCs", "ec2.describe_vpcs"],
  ["ec2.amazonaws.com", "DescribeVpcs", "ec2.describe_vpcs"],
  ["ec2.amazonaws.com", "AssignIpv6Addresses", "ec2.assign_ipv6_addresses"],
  ["wafv2.amazonaws.com", "CreateIPSet", "wafv2.create_ip_set"],
  ["wafv2.amazonaws.com", "ListWebACLs", "wafv2.list_web_acls"],
  ["rds.amazonaws.com", "DescribeDBInstances", "rds.describe_db_instances"],
  ["lambda.amazonaws.com", "GetFunction20150331v2", "lambda.get_function20150331v2"],
  ["cloudfront.amazonaws.com", "ListDistributions2020_05_31", "cloudfront.list_distributions2020_05_31"],
  ["iot.amazonaws.com", "DescribeIoTThing", "iot.describe_iot_thing"],
  ["signin.amazonaws.com", "ConsoleLogin", "signin.console_login"],
  ["kms.amazonaws.com.cn", "Decrypt", "kms.decrypt"],
  ["audit.amazonaws.com", "Start", "aws_audit.start"],
  ["audit.example.com", "2Fast", "audit_example_com.event_2_fast"],
])("%s %s is %s", (source, name, action) => {
  expect(actionName(source, name)).toEqual({ ok: true, action });
});

test.each([
  ["", "GetObject"],
  ["s3.amazonaws.com", ""],
  ["s3.amazonaws.com", "…"],
  [".amazonaws.com", "Get"],
  ["s3.amazonaws.com", "A".repeat(200)],
])("%j %j gives a reason and no action", (source, name) => {
  expect(actionName(source, name)).toMatchObject({ ok: false, why: expect.stringMatching(/./) });
});

test("any source and name give a valid, unreserved action or a reason", () => {
  const awsLike = fc.stringMatching(/^[A-Za-z0-9_.-]{0,60}$/);
  const anything = fc.oneof(
    awsLike,
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.constantFrom(...RESERVED_ACTION_NOUNS),
  );
  fc.assert(
    fc.property(anything, fc.constantFrom("", ".amazonaws.com"), anything, (source, suffix, name) => {
      const named = actionName(source + suffix, name);
      if (!named.ok) {
        expect(named.why).not.toBe("");
        return;
      }
      expect(named.action).toMatch(ACTION_PATTERN);
      expect(named.action.length).toBeLessThanOrEqual(128);
      expect(RESERVED_ACTION_NOUNS).not.toContain(named.action.split(".")[0]);
    }),
    { numRuns: 2000 },
  );
});

test("a snake-case name stays as it is", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{1,8}(_[a-z]{1,8}){0,4}$/), (name) => {
      expect(snakeCase(name)).toBe(name);
    }),
  );
});
