/** A bucket all of whose calls fail, as when R2 is away. */
export function brokenBucket(bucket: R2Bucket): R2Bucket {
  return new Proxy(bucket, {
    get: () => async () => {
      throw new Error("internal error; tenant-key/tnt_eu_secret");
    },
  });
}
