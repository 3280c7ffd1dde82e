/**
 * The modified Bessel functions of the first kind, orders 0 and 1, spelled with scalar operations.
 *
 * Up to 8 by their power series (Abramowitz & Stegun 9.6.10), all of whose terms are positive; beyond, sqrt(x) e^-x I(x) by its
 * Chebyshev series in 16/x - 1, as Cephes (S. L. Moshier, i0.c, i1.c) does it, here written out in powers.
 */
import type { Expr } from "../ir/expr.ts";
import { s } from "../ir/expr.ts";

type Order = 0 | 1;

/** 1 / (k! (k + order)!) for k = terms-1 … 0. */
function seriesCoefficients(order: Order, terms: number): number[] {
  const list = [1];
  for (let k = 1; k < terms; k++) list.unshift((list[0] ?? 1) / (k * (k + order)));
  return list;
}

const far64: Readonly<Record<Order, readonly number[]>> = {
  0: [
    9.3650868928181908e-11, 3.629355229718733e-11, -6.6332871125470835e-10, -2.8033819978869997e-10, 2.1968921378829005e-9, 1.1050558794424346e-9,
    -4.5755534245349736e-9, -3.1346276429240789e-9, 6.5601387469170572e-9, 7.3359687108161539e-9, -5.0381064879032841e-9, -1.3326094405766387e-8,
    -6.8493381882867697e-9, 7.5343558438033422e-9, 2.1566251453104355e-8, 3.9328893751146338e-8, 8.8720343833141437e-8, 2.9735960465627117e-7,
    1.4838476651250266e-6, 1.1143033800708979e-5, 1.3621607438984735e-4, 3.3605519836677505e-3, 0.40217650944500808,
  ],
  1: [
    -9.7523972041381948e-11, -3.3654318531801765e-11, 6.917089294193807e-10, 2.6340771095136485e-10, -2.2970041618852009e-9, -1.0594544160443166e-9,
    4.810597405089944e-9, 3.0868867367227253e-9, -6.9838396248958659e-9, -7.4444414771972701e-9, 5.5933701017906101e-9, 1.3958551001385954e-8,
    6.8401389977069582e-9, -8.4091820404429181e-9, -2.3392503748018582e-8, -4.3131964899777332e-8, -1.000109565963654e-7, -3.4838534380376332e-7,
    -1.8349102358955385e-6, -1.5038547209501858e-5, -2.192357638317243e-4, -9.7495771932356347e-3, 0.38939845902587232,
  ],
};
const far32: Readonly<Record<Order, readonly number[]>> = {
  0: [1.08679425e-7, 3.62667038e-7, 1.47611573e-6, 1.11121483e-5, 1.36217164e-4, 3.3605557e-3, 0.402176509],
  1: [-1.22732172e-7, -4.21035016e-7, -1.82569073e-6, -1.50039655e-5, -2.19237125e-4, -9.74958137e-3, 0.389398459],
};

/** I(|x|). e^x is taken as a square, so that it does not overflow before the product does. */
function besselOfPositive(a: Expr, order: Order): Expr {
  const isSingle = a.dtype !== "float64";
  const half = s.mul(s.min(a, 8), 0.5);
  const series = s.polynomial(s.mul(half, half), seriesCoefficients(order, isSingle ? 16 : 24));
  const near = order === 0 ? series : s.mul(half, series);
  const root = s.exp(s.mul(a, 0.5));
  const inverse = s.div(s.like(16, a), s.max(a, 8));
  const scaled = s.div(s.polynomial(s.sub(inverse, 1), (isSingle ? far32 : far64)[order]), s.sqrt(a));
  const far = s.select(s.eq(a, Infinity), a, s.mul(s.mul(root, scaled), root));
  return s.select(s.le(a, 8), near, far);
}

export const i0Formula = (x: Expr): Expr => besselOfPositive(s.abs(x), 0);
export const i1Formula = (x: Expr): Expr => s.copysign(besselOfPositive(s.abs(x), 1), x);
