/** Inverse circular functions: odd minimax polynomials near 0, and what leads there from elsewhere. */
import type { Expr } from "../../ir/expr.ts";
import { s } from "../../ir/expr.ts";
import type { Both } from "./float.ts";
import { nan, one, pick } from "./float.ts";

/** (asin(√z) / √z - 1) / z, z ≤ 1/4. */
const arcsines: Both<readonly number[]> = {
  float32: [0.042265296, 0.024121145, 0.04548239, 0.074951984, 0.16666755],
  float64: [
    0.03271597942000499, -0.021137588158860774, 0.02180457342546867, 3.666785327395316e-3, 0.010790665808202385, 0.01139706889740087, 0.01398104378979042,
    0.017351593606831504, 0.022372215996277367, 0.030381942672763975, 0.04464285717532012, 0.07499999999970086, 0.16666666666666763,
  ],
};
/** (atan(√z) / √z - 1) / z, √z ≤ √2 - 1. */
const arctangents: Both<readonly number[]> = {
  float32: [-0.060901817, 0.10599311, -0.1424442, 0.1999853, -0.33333316],
  float64: [
    0.014996507539372702, -0.03327002166053912, 0.04494358945314087, -0.05216035888645777, 0.05876635805603105, -0.06666185370007317, 0.07692279814506406,
    -0.09090908007763485, 0.11111111084200527, -0.14285714285321224, 0.19999999999997115, -0.33333333333333326,
  ],
};

/** root + root z p(z): √z to an odd power series. */
const odd = (root: Expr, z: Expr, coefficients: Both<readonly number[]>): Expr => s.add(root, s.mul(s.mul(root, z), s.estrin(z, pick(root, coefficients))));

/** Beyond 1/2, asin(a) = π/2 - 2 asin(√((1 - a) / 2)). */
function arcs(x: Expr): { readonly isFar: Expr; readonly arc: Expr } {
  const a = s.abs(x);
  const isFar = s.gt(a, 0.5);
  const z = s.select(isFar, s.mul(s.sub(one(x), a), 0.5), s.square(a));
  return { isFar, arc: odd(s.select(isFar, s.sqrt(z), a), z, arcsines) };
}

export function asin(x: Expr): Expr {
  const { isFar, arc } = arcs(x);
  return s.copysign(s.select(isFar, s.sub(s.like(Math.PI / 2, x), s.mul(arc, 2)), arc), x);
}

export function acos(x: Expr): Expr {
  const { isFar, arc } = arcs(x);
  const twice = s.mul(arc, 2);
  const near = s.sub(s.like(Math.PI / 2, x), s.copysign(arc, x));
  return s.select(isFar, s.select(s.gt(x, 0), twice, s.sub(s.like(Math.PI, x), twice)), near);
}

const [least, most] = [Math.SQRT2 - 1, Math.SQRT2 + 1];

/** Of |x| beyond √2 - 1 the arc of (|x| - 1) / (|x| + 1) and π/4, beyond √2 + 1 that of -1 / |x| and π/2. */
export function atan(x: Expr): Expr {
  const a = s.abs(x);
  const [isFar, isMiddle] = [s.gt(a, most), s.gt(a, least)];
  const above = s.select(isFar, s.like(-1, x), s.select(isMiddle, s.sub(a, 1), a));
  const below = s.select(isFar, a, s.select(isMiddle, s.add(a, 1), one(x)));
  const start = s.select(isFar, s.like(Math.PI / 2, x), s.select(isMiddle, s.like(Math.PI / 4, x), s.like(0, x)));
  const r = s.div(above, below);
  return s.copysign(s.add(start, odd(r, s.square(r), arctangents)), x);
}

/** From here on sums of two could overflow. */
const huge: Both<number> = { float32: 2 ** 126, float64: 2 ** 1022 };

/** The angle of (x, y), from that of the smaller and the larger magnitude. */
export function atan2(y: Expr, x: Expr): Expr {
  const [up, across] = [s.abs(y), s.abs(x)];
  const steep = s.gt(up, across);
  const [minor, major] = [s.select(steep, across, up), s.select(steep, up, across)];
  const shrink = s.select(s.gt(major, pick(x, huge)), s.like(0.25, x), one(x));
  const [small, large] = [s.mul(minor, shrink), s.mul(major, shrink)];
  const isMiddle = s.gt(small, s.mul(large, least));
  const quotient = s.div(s.select(isMiddle, s.sub(small, large), small), s.select(isMiddle, s.add(small, large), large));
  // 0 / 0 and ∞ / ∞, but not NaN
  const lost = s.or(s.eq(large, 0), s.eq(minor, Infinity));
  const r = s.select(lost, s.like(0, x), quotient);
  const start = s.select(s.or(isMiddle, s.eq(minor, Infinity)), s.like(Math.PI / 4, x), s.like(0, x));
  const arc = s.add(start, odd(r, s.square(r), arctangents));
  const turned = s.select(steep, s.sub(s.like(Math.PI / 2, x), arc), arc);
  const behind = s.select(s.lt(s.copysign(one(x), x), 0), s.sub(s.like(Math.PI, x), turned), turned);
  return s.select(s.or(s.isnan(x), s.isnan(y)), nan(x), s.copysign(behind, y));
}
