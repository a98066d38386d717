/** Of the product and of its API; the formats have versions of their own (SPEC.md §11). */
export const VERSION = "0.1.0";
