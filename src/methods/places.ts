/**
 * Places: `x.at(...)` reads as an array or tensor, and remembers where it was read. The methods that Python has an assignment for
 * (`=`, `+=`, `*=`, …) write there:
 *
 *   x.at(0).set(5)      x[0] = 5         x.at("1:").add(y)    x[1:] += y         x.at().mul(2)    x *= 2
 *
 * On an array they change it, and every view of it, and give it back; on a tensor they give a new tensor. All other methods, and
 * all free functions, only read. `x.get(...)` is the same part without a place: its `add` is a sum, as everywhere else.
 *
 * Of repeated positions (`x.at([0, 0])`) `set` keeps the last, `add`, `sub`, `mul`, `div`, `max` and `min` count each; the others
 * compute with what was there and keep the last.
 */
import type { DType } from "../../compiler/ir/dtype.ts";
import type { Value } from "../../compiler/ir/node.ts";
import type { ArrayData } from "../literal.ts";
import { readLiteral, readRagged } from "../literal.ts";
import { requireDevice } from "../devices.ts";
import { Lazy } from "../handle.ts";
import type { Operand } from "../operands.ts";
import { faceOf, isPlain, valueOf } from "../operands.ts";
import type { ReduceOptions } from "../options.ts";
import { hold } from "../liveness.ts";
import { given } from "../slots.ts";
import * as binary from "../functions/binary.ts";
import * as indexing from "../functions/indexing.ts";
import type { Index } from "../functions/indexing.ts";
import type { WriteMode } from "../indexing/advanced.ts";
import { readIndex, requireKnownIndices, writeIndex } from "../indexing/advanced.ts";
import type { BasicItem, ParsedIndex } from "../indexing/parse.ts";
import { basicItems, parseIndex } from "../indexing/parse.ts";
import { indexLayout } from "../mutation/layout.ts";
import { leavesAsIs } from "../mutation/unchanged.ts";
import { castFor, writtenNumber, writtenValue } from "../mutation/written.ts";
import { Rows } from "../ragged/rows.ts";
import { laidOverRows, writeWhere } from "../ragged/write.ts";
import { ShapeMethods } from "./shape.ts";

/** What can be written: an array or tensor, a number, a boolean, or lists of them. */
export type Writable<T extends Lazy> = Operand<T> | ArrayData;

type Binary<T extends Lazy> = (x: T, y: Operand<T>) => T;

/** Where a handle was read. */
interface Origin<T extends Lazy> {
  /** What the first of a chain of `at` was called on. */
  readonly root: T;
  /** Writes a value that broadcasts to the place and has its dtype; gives the root, changed. */
  readonly write: (op: string, value: Value) => T;
  /** Combines with what is there, repeated positions each; null where there are none. */
  readonly combine: ((op: string, value: Value, mode: WriteMode) => T) | null;
}

export abstract class PlaceMethods extends ShapeMethods {
  #origin: Origin<this> | null = null;
  /** How to read what an index picks, until it is read: a mask that is only written needs not be counted. */
  #unread: (() => Value) | null = null;

  /** Whether parts of it share its memory. */
  protected abstract readonly isMutable: boolean;
  /** Whether what is written to this is seen in the other, of which this is a part. */
  protected isPartOf(_whole: this): boolean {
    return false;
  }
  /** Puts a value of its type in place of its elements: an array changes, a tensor gives a new one. */
  protected abstract store(op: string, value: Value): this;

  protected override current(): Value | null {
    const read = this.#unread;
    if (read === null) return super.current();
    this.#unread = null;
    this.rebind(read());
    return super.current();
  }

  /** The elements at an index, as `at(x, ...)` gives them. */
  get(...index: readonly Index<this>[]): this {
    return indexing.at(this, ...index);
  }

  /**
   * The elements at an index, to be read or written: `x.at(0).sum()`, `x.at(slice(1, 3), "...").set(5)`, `x.at("::2").add(y)`.
   * Without an index, all of them: `x.at().mul(2)` is `x *= 2`.
   */
  override at(...index: readonly Index<this>[]): this {
    if (this.rows !== null) return this.#rowsAt(index);
    const parsed = parseIndex("at", this, index);
    const items = basicItems(parsed);
    return items !== null && this.isMutable ? this.#viewAt(parsed, items) : this.#partAt(parsed);
  }

  #viewAt(parsed: ParsedIndex, items: readonly BasicItem[]): this {
    const view = this.alias(
      (v) => readIndex(v, parsed),
      (layout) => indexLayout(layout, items),
    );
    const root = this.#origin?.root ?? this;
    const write = (op: string, written: Value): this => {
      view.store(op, writtenValue(op, written, view.type));
      return root;
    };
    view.#origin = { root, write, combine: null };
    return view;
  }

  /** Of ragged rows: a view where the elements follow one another, else a copy that knows where they stood. */
  #rowsAt(index: readonly Index<this>[]): this {
    const read = (x: this): this => indexing.at(x, ...index);
    const part = read(this);
    const root = this.#origin?.root ?? this;
    if (part.isPartOf(this)) {
      const write = (op: string, value: Value): this => {
        part.store(op, writtenValue(op, value, part.valueType));
        return root;
      };
      part.#origin = { root, write, combine: null };
      return part;
    }
    const write = (op: string, value: Value, mode: WriteMode): this => {
      this.store(op, writeWhere(op, this, read, writtenValue(op, value, part.valueType), mode));
      part.#readAgain(() => read(this).value);
      return root;
    };
    part.#origin = { root, write: (op, value) => write(op, value, "set"), combine: write };
    return part;
  }

  #partAt(parsed: ParsedIndex): this {
    requireKnownIndices(parsed);
    const value = valueOf("at", this);
    // the indices may be needed again for a write
    for (const item of parsed.items) if ("entries" in item && item.entries.from === "handle") hold(item.entries.value);
    // it holds the value of now, from which it is read when it is read
    const part = this.wrap(value);
    part.#unread = () => readIndex(value, parsed);
    part.#origin = this.#originOf(part, parsed);
    return part;
  }

  #originOf(part: this, parsed: ParsedIndex): Origin<this> {
    const root = this.#origin?.root ?? this;
    const write = (op: string, update: Value, mode: WriteMode): this => {
      const next = writeIndex(valueOf(op, this), { ...parsed, op }, castFor(op, update, this.type), mode);
      const changed = this.#origin === null || this.isMutable ? this.store(op, next) : this.#origin.write(op, next);
      // from now on it shows what was written, and holds nothing that is gone
      if (this.isMutable) part.#readAgain(() => readIndex(this.value, parsed));
      return this.isMutable ? root : changed;
    };
    const repeats = basicItems(parsed) === null;
    return { root, write: (op, value) => write(op, value, "set"), combine: repeats ? write : null };
  }

  #readAgain(read: () => Value): void {
    this.surrender();
    this.#unread = read;
  }

  /** Writes a value in place of these elements: cast as NumPy's same_kind allows, and broadcast. */
  set(value: Writable<this>): this {
    return this.#write("set", this.#written("set", value));
  }
  /** Writes what `f` makes of these elements. */
  apply(f: (x: this) => this): this {
    const own = this.#plain();
    const changed = this.#write("apply", this.#written("apply", f(own)));
    own.dispose();
    return changed;
  }

  #write(op: string, value: Value): this {
    return this.#origin === null ? this.store(op, writtenValue(op, value, this.valueType)) : this.#origin.write(op, value);
  }

  #written(op: string, value: Writable<this>): Value {
    if (isPlain(value)) return writtenNumber(op, value, this.#dtype());
    if (value instanceof Lazy) {
      faceOf(op, [this.#root(), value]);
      return this.#fitting(op, value);
    }
    return this.#fitting(op, this.#literal(op, value));
  }

  /** The elements of a handle as they are written here. */
  #fitting(op: string, x: Lazy): Value {
    return this.rows === null ? valueOf(op, x) : laidOverRows(op, this, x);
  }

  #literal(op: string, data: ArrayData): Lazy {
    const device = requireDevice(op, this.#root().device);
    const ragged = this.rows === null ? null : readRagged(op, data, this.#dtype(), {});
    if (ragged !== null) return this.onRows(given(ragged.data, ragged.type, device), new Rows(ragged.offsets));
    const dense = readLiteral(this.face, data, this.#dtype(), {});
    return this.wrap(given(dense.data, dense.type, device));
  }

  /** Known without reading. */
  #dtype(): DType {
    return this.#root().dtype;
  }
  /** What this is a part of, or itself: its face, dtype and device are known without reading the part. */
  #root(): this {
    return this.#origin?.root ?? this;
  }

  /** These elements, read as a write addresses them. */
  protected get inPlace(): Value {
    return this.value;
  }

  /** The same elements without a place. Who makes it disposes of it: what it holds cannot be written in place. */
  #plain(): this {
    return this.alike(this.inPlace);
  }

  /** Computes where this has no place; else writes what `f` gives, and gives what was written to. */
  #update(op: string, y: Operand<this>, f: Binary<this>, mode: WriteMode | null = null): this {
    const origin = this.#origin;
    if (origin === null) return f(this, y);
    if (mode !== null && origin.combine !== null) return origin.combine(op, this.#written(op, y), mode);
    const own = this.#plain();
    const made = f(own, y);
    const isChange = !leavesAsIs(made.value, own.value);
    const changed = isChange ? origin.write(op, made.rows === null && this.rows === null ? made.value : this.#fitting(op, made)) : origin.root;
    own.dispose();
    made.dispose();
    return changed;
  }

  override add(y: Operand<this>): this {
    return this.#update("add", y, binary.add, "add");
  }
  override subtract(y: Operand<this>): this {
    return this.#update("subtract", y, binary.subtract, "sub");
  }
  override sub(y: Operand<this>): this {
    return this.#update("sub", y, binary.subtract, "sub");
  }
  override multiply(y: Operand<this>): this {
    return this.#update("multiply", y, binary.multiply, "mul");
  }
  override mul(y: Operand<this>): this {
    return this.#update("mul", y, binary.multiply, "mul");
  }
  override divide(y: Operand<this>): this {
    return this.#update("divide", y, binary.divide, "div");
  }
  override div(y: Operand<this>): this {
    return this.#update("div", y, binary.divide, "div");
  }
  override floorDivide(y: Operand<this>): this {
    return this.#update("floorDivide", y, binary.floorDivide);
  }
  override remainder(y: Operand<this>): this {
    return this.#update("remainder", y, binary.remainder);
  }
  override pow(y: Operand<this>): this {
    return this.#update("pow", y, binary.pow);
  }
  override maximum(y: Operand<this>): this {
    return this.#update("maximum", y, binary.maximum, "max");
  }
  override minimum(y: Operand<this>): this {
    return this.#update("minimum", y, binary.minimum, "min");
  }
  /** The largest element; of a place and another array or number, as JAX has it, writes the larger of each two. */
  override max(options: ReduceOptions | Operand<this> = {}): this {
    return isOperand(options) ? this.#update("max", options, binary.maximum, "max") : super.max(options);
  }
  /** The smallest element; of a place and another array or number, as JAX has it, writes the smaller of each two. */
  override min(options: ReduceOptions | Operand<this> = {}): this {
    return isOperand(options) ? this.#update("min", options, binary.minimum, "min") : super.min(options);
  }
  override bitwiseAnd(y: Operand<this>): this {
    return this.#update("bitwiseAnd", y, binary.bitwiseAnd);
  }
  override bitwiseOr(y: Operand<this>): this {
    return this.#update("bitwiseOr", y, binary.bitwiseOr);
  }
  override bitwiseXor(y: Operand<this>): this {
    return this.#update("bitwiseXor", y, binary.bitwiseXor);
  }
  override bitwiseLeftShift(y: Operand<this>): this {
    return this.#update("bitwiseLeftShift", y, binary.bitwiseLeftShift);
  }
  override bitwiseRightShift(y: Operand<this>): this {
    return this.#update("bitwiseRightShift", y, binary.bitwiseRightShift);
  }
}

const isOperand = <T extends Lazy>(x: ReduceOptions | Operand<T>): x is Operand<T> => isPlain(x) || x instanceof Lazy;
