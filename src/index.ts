/** lazuli: lazy arrays and tensors, compiled. */
export { NDArray } from "./array.ts";
export { Tensor } from "./tensor.ts";
export type { BackwardOptions } from "./tensor.ts";
export { Lazy } from "./handle.ts";
export type { Face, NestedList } from "./handle.ts";
export { array, empty, emptyLike, full, fullLike, ones, onesLike, tensor, zeros, zerosLike } from "./create.ts";
export type { ArrayMaking, LikeOptions, Making, Source, TensorMaking, TensorOptions } from "./create.ts";
export type { AnyTypedArray, ArrayData, LiteralOptions } from "./literal.ts";
export { fromPadded, fromRows, ragged } from "./ragged/create.ts";
export type { Counts, RaggedOptions } from "./ragged/create.ts";
export { arange, eye, indices, linspace, logspace, meshgrid, tri } from "./ranges.ts";
export type { MatrixOptions, MeshgridOptions } from "./ranges.ts";

export * from "./functions/activations.ts";
export * from "./functions/binary.ts";
export { cummax, cummin, cumprod, cumsum, diff, logcumsumexp, median, quantile } from "./functions/cumulative.ts";
export { argsort, at, slice, Slice, sort, take, takeAlongAxis } from "./functions/indexing.ts";
export type { Index, SortOptions, TakeOptions } from "./functions/indexing.ts";
export type { IndexList } from "./indexing/entries.ts";
export type { IndexMode } from "./indexing/modes.ts";
export { compress, extract, maskedSelect } from "./functions/masks.ts";
export { argwhere, flatnonzero, nonzero } from "./functions/nonzero.ts";
export type { NonzeroOptions } from "./functions/nonzero.ts";
export { put, putAlongAxis } from "./functions/put.ts";
export type { PutOptions } from "./functions/put.ts";
export { gather, indexAdd, indexCopy, oneHot, scatter, scatterAdd, segmentSum } from "./functions/scatter.ts";
export type { OneHotOptions, SegmentOptions } from "./functions/scatter.ts";
export { concat, split, stack, unstack } from "./functions/join.ts";
export * from "./functions/linalg.ts";
export { astype, diag, diagonal, pad, slidingWindowView, toDevice, tril, triu, unfold } from "./functions/place.ts";
export type { DiagonalOptions, PadMode, PadOptions, WindowOptions } from "./functions/place.ts";
export {
  all,
  any,
  argmax,
  argmin,
  countNonzero,
  logsumexp,
  matrixNorm,
  max,
  mean,
  min,
  nanmean,
  nansum,
  norm,
  prod,
  std,
  sum,
  var,
} from "./functions/reduce.ts";
export { choose, select } from "./functions/choose.ts";
export type { ChooseOptions } from "./functions/choose.ts";
export { flatValues, isRagged, rowLengths, rowOffsets, toPadded } from "./functions/rows.ts";
export { clip, lerp, maskedFill, where } from "./functions/select.ts";
export {
  broadcastArrays,
  broadcastTo,
  copy,
  expandDims,
  flatten,
  flip,
  matrixTranspose,
  moveaxis,
  permuteDims,
  ravel,
  repeat,
  reshape,
  roll,
  rot90,
  squeeze,
  swapaxes,
  tile,
  transpose,
} from "./functions/shape.ts";
export * from "./functions/unary.ts";
export { mayShareMemory, sharesMemory } from "./mutation/sharing.ts";
export type { Writable } from "./methods/places.ts";
export * from "./nn/index.ts";

export { grad, gradients, hessian, jacobian, jvp, noGrad, stopGradient, valueAndGrad, vjp } from "./transforms.ts";
export type { Differentiable } from "./transforms.ts";

export { evalAll, evalAllSync } from "./eval-all.ts";
export type { Nesting } from "./nesting.ts";
export { arrayToString } from "./print/array-to-string.ts";
export type { ArrayToStringOptions } from "./print/array-to-string.ts";
export { getPrintOptions, setPrintOptions } from "./print/options.ts";
export type { PrintChanges, PrintOptions, PrintSettings } from "./print/options.ts";
export { configure } from "./settings.ts";
export type { Settings } from "./settings.ts";
export { counters, resetCounters } from "./counters.ts";
export type { Counters } from "./counters.ts";
export { closeDevice, memory, openDevice, recover, synchronize } from "./devices.ts";
export type { DeviceName, Memory, OpenOptions } from "./devices.ts";
export type { GpuInfo } from "../runtime/device.ts";
export { explain, inspect } from "./inspect/inspect.ts";
export type { Described, InspectOptions } from "./inspect/inspect.ts";
export type { FusionDecision, GraphView, Inspection, PassView } from "./inspect/inspection.ts";
export type { KernelNode, KernelOperand, KernelReport } from "./inspect/kernels.ts";
export type { KernelTime, Measurement, MeasureOptions } from "./inspect/measure.ts";

export * as linalg from "./functions/linalg.ts";
export * as nn from "./nn/index.ts";
export * as optim from "./optim/index.ts";
export * as random from "./random/index.ts";

export { CompilerBug, DeviceError, DTypeError, IndexError, ParseError, ShapeError, UnsupportedError } from "../compiler/ir/errors.ts";
export { dtypes } from "../compiler/ir/dtype.ts";
export type { DType } from "../compiler/ir/dtype.ts";
export type { HostArray, NumberArray } from "../compiler/ir/host.ts";
