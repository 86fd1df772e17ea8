/** The middle of what was measured, of an even number the upper one. At least one value. */
export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
