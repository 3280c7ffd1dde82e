/** Elementwise functions as methods: `x.add(y)` is `add(x, y)`. What they say of shapes, dtypes and errors holds here. */
import * as activations from "../functions/activations.ts";
import * as binary from "../functions/binary.ts";
import type { ClipOptions } from "../functions/select.ts";
import * as select from "../functions/select.ts";
import * as unary from "../functions/unary.ts";
import { Lazy } from "../handle.ts";
import type { Operand } from "../operands.ts";

export abstract class ElementwiseMethods extends Lazy {
  abs(): this {
    return unary.abs(this);
  }
  negative(): this {
    return unary.negative(this);
  }
  positive(): this {
    return unary.positive(this);
  }
  sign(): this {
    return unary.sign(this);
  }
  square(): this {
    return unary.square(this);
  }
  reciprocal(): this {
    return unary.reciprocal(this);
  }
  exp(): this {
    return unary.exp(this);
  }
  exp2(): this {
    return unary.exp2(this);
  }
  expm1(): this {
    return unary.expm1(this);
  }
  log(): this {
    return unary.log(this);
  }
  log1p(): this {
    return unary.log1p(this);
  }
  log2(): this {
    return unary.log2(this);
  }
  log10(): this {
    return unary.log10(this);
  }
  sqrt(): this {
    return unary.sqrt(this);
  }
  rsqrt(): this {
    return unary.rsqrt(this);
  }
  cbrt(): this {
    return unary.cbrt(this);
  }
  sigmoid(): this {
    return unary.sigmoid(this);
  }
  sin(): this {
    return unary.sin(this);
  }
  cos(): this {
    return unary.cos(this);
  }
  tan(): this {
    return unary.tan(this);
  }
  asin(): this {
    return unary.asin(this);
  }
  acos(): this {
    return unary.acos(this);
  }
  atan(): this {
    return unary.atan(this);
  }
  sinh(): this {
    return unary.sinh(this);
  }
  cosh(): this {
    return unary.cosh(this);
  }
  tanh(): this {
    return unary.tanh(this);
  }
  asinh(): this {
    return unary.asinh(this);
  }
  acosh(): this {
    return unary.acosh(this);
  }
  atanh(): this {
    return unary.atanh(this);
  }
  floor(): this {
    return unary.floor(this);
  }
  ceil(): this {
    return unary.ceil(this);
  }
  trunc(): this {
    return unary.trunc(this);
  }
  round(): this {
    return unary.round(this);
  }
  erf(): this {
    return unary.erf(this);
  }
  isfinite(): this {
    return unary.isfinite(this);
  }
  isinf(): this {
    return unary.isinf(this);
  }
  isnan(): this {
    return unary.isnan(this);
  }
  signbit(): this {
    return unary.signbit(this);
  }
  logicalNot(): this {
    return unary.logicalNot(this);
  }
  /** `negative`, as PyTorch spells it. */
  neg(): this {
    return unary.negative(this);
  }

  add(y: Operand<this>): this {
    return binary.add(this, y);
  }
  subtract(y: Operand<this>): this {
    return binary.subtract(this, y);
  }
  multiply(y: Operand<this>): this {
    return binary.multiply(this, y);
  }
  divide(y: Operand<this>): this {
    return binary.divide(this, y);
  }
  pow(y: Operand<this>): this {
    return binary.pow(this, y);
  }
  atan2(y: Operand<this>): this {
    return binary.atan2(this, y);
  }
  hypot(y: Operand<this>): this {
    return binary.hypot(this, y);
  }
  logaddexp(y: Operand<this>): this {
    return binary.logaddexp(this, y);
  }
  maximum(y: Operand<this>): this {
    return binary.maximum(this, y);
  }
  minimum(y: Operand<this>): this {
    return binary.minimum(this, y);
  }
  copysign(y: Operand<this>): this {
    return binary.copysign(this, y);
  }
  nextafter(y: Operand<this>): this {
    return binary.nextafter(this, y);
  }
  fmod(y: Operand<this>): this {
    return binary.fmod(this, y);
  }
  remainder(y: Operand<this>): this {
    return binary.remainder(this, y);
  }
  floorDivide(y: Operand<this>): this {
    return binary.floorDivide(this, y);
  }
  equal(y: Operand<this>): this {
    return binary.equal(this, y);
  }
  notEqual(y: Operand<this>): this {
    return binary.notEqual(this, y);
  }
  less(y: Operand<this>): this {
    return binary.less(this, y);
  }
  lessEqual(y: Operand<this>): this {
    return binary.lessEqual(this, y);
  }
  greater(y: Operand<this>): this {
    return binary.greater(this, y);
  }
  greaterEqual(y: Operand<this>): this {
    return binary.greaterEqual(this, y);
  }
  logicalAnd(y: Operand<this>): this {
    return binary.logicalAnd(this, y);
  }
  logicalOr(y: Operand<this>): this {
    return binary.logicalOr(this, y);
  }
  logicalXor(y: Operand<this>): this {
    return binary.logicalXor(this, y);
  }
  bitwiseAnd(y: Operand<this>): this {
    return binary.bitwiseAnd(this, y);
  }
  bitwiseOr(y: Operand<this>): this {
    return binary.bitwiseOr(this, y);
  }
  bitwiseXor(y: Operand<this>): this {
    return binary.bitwiseXor(this, y);
  }
  bitwiseLeftShift(y: Operand<this>): this {
    return binary.bitwiseLeftShift(this, y);
  }
  bitwiseRightShift(y: Operand<this>): this {
    return binary.bitwiseRightShift(this, y);
  }
  /** `subtract`, as PyTorch spells it. */
  sub(y: Operand<this>): this {
    return binary.subtract(this, y);
  }
  /** `multiply`, as PyTorch spells it. */
  mul(y: Operand<this>): this {
    return binary.multiply(this, y);
  }
  /** `divide`, as PyTorch spells it. */
  div(y: Operand<this>): this {
    return binary.divide(this, y);
  }
  bitwiseInvert(): this {
    return binary.bitwiseInvert(this);
  }

  relu(): this {
    return activations.relu(this);
  }
  relu6(): this {
    return activations.relu6(this);
  }
  selu(): this {
    return activations.selu(this);
  }
  silu(): this {
    return activations.silu(this);
  }
  mish(): this {
    return activations.mish(this);
  }
  softsign(): this {
    return activations.softsign(this);
  }
  logSigmoid(): this {
    return activations.logSigmoid(this);
  }
  hardsigmoid(): this {
    return activations.hardsigmoid(this);
  }
  hardswish(): this {
    return activations.hardswish(this);
  }
  elu(options: Parameters<typeof activations.elu>[1] = {}): this {
    return activations.elu(this, options);
  }
  leakyRelu(options: Parameters<typeof activations.leakyRelu>[1] = {}): this {
    return activations.leakyRelu(this, options);
  }
  gelu(options: Parameters<typeof activations.gelu>[1] = {}): this {
    return activations.gelu(this, options);
  }
  softplus(options: Parameters<typeof activations.softplus>[1] = {}): this {
    return activations.softplus(this, options);
  }
  hardtanh(options: Parameters<typeof activations.hardtanh>[1] = {}): this {
    return activations.hardtanh(this, options);
  }

  clip(min?: Operand<this> | null | ClipOptions<this>, max?: Operand<this> | null): this {
    return select.clip(this, min, max);
  }
  lerp(y: Operand<this>, weight: Operand<this>): this {
    return select.lerp(this, y, weight);
  }
  maskedFill(mask: this, value: Operand<this>): this {
    return select.maskedFill(this, mask, value);
  }
  /** This where the condition is true, else y. */
  where(condition: this, y: Operand<this>): this {
    return select.where(condition, this, y);
  }
}
