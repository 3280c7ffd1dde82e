/** Golden cases that differ, each with its reason; at most 2 % of an area's required cases. A test removes an entry that passes. */
import type { FloatDType } from "../golden/compare.ts";

export interface Exception {
  readonly id: string;
  /** The float dtypes in which the case differs. */
  readonly dtypes: readonly FloatDType[];
  readonly reason: string;
}

const both: readonly FloatDType[] = ["float64", "float32"];

export const exceptions: readonly Exception[] = [
  { id: "reduce-matrix-norm-2", dtypes: both, reason: "The spectral norm needs singular values, which come with the decompositions." },
  { id: "indexing-setitem-cast-int", dtypes: both, reason: "Writing floats into integers is a DTypeError that names astype, where NumPy drops the fraction." },
];
