/** Operations that vectors do not have, lane by lane: integer division, shifts by what varies, functions of the host. */
import type { Expr } from "../../ir/expr.ts";
import { variable, withOperands } from "../../ir/expr.ts";
import type { Width } from "./types.ts";
import { typeRow, valueType } from "./types.ts";
import type { VectorCode } from "./vector-code.ts";

/** Leaves a register of the value on the stack. */
export function spellLanes(e: Expr, register: number, code: VectorCode): void {
  const { body, scalar, frame } = code.tools;
  const width = code.widthOf(e) ?? 32;
  const { vector } = width === 64 && e.dtype === "bool" ? ({ vector: "i64x2" } as const) : typeRow(e.dtype);
  const lanes = 128 / width;
  const operands = e.args.map((a) => operandOf(a, register * lanes, { code, lanes: code.lanesIn(register, width) }));
  const result = body.local(`${e.op}.lanes`, "v128");
  for (let lane = 0; lane < code.lanesIn(register, width); lane++) {
    const names = operands.map((operand) => {
      if (operand.kind === "constant") return operand.value;
      const name = scalar.temporary();
      operand.extract(lane);
      frame.define(name, { kind: "local", local: body.keep(name, valueType(operand.value.dtype)), level: frame.level, isFree: false });
      return variable(name, operand.value.dtype);
    });
    body.get(result);
    if (e.dtype === "bool") body.int(0);
    scalar.push(withOperands(e, names));
    if (e.dtype === "bool") body.emit("i32.sub");
    if (e.dtype === "bool" && width === 64) body.emit("i64.extend_i32_s");
    body.named(`${vector}.replace_lane`, lane);
    body.set(result);
  }
  body.get(result);
}

type Operand = { readonly kind: "constant"; readonly value: Expr } | { readonly kind: "lanes"; readonly value: Expr; readonly extract: (lane: number) => void };

/** An operand whose lanes from `first` on are taken one by one. */
function operandOf(value: Expr, first: number, { code, lanes }: { readonly code: VectorCode; readonly lanes: number }): Operand {
  const { body } = code.tools;
  if (value.op === "const") return { kind: "constant", value };
  const own = 128 / (code.widthOf(value) ?? 32);
  const width: Width = own === 2 ? 64 : 32;
  const locals = new Map<number, number>();
  for (let lane = first; lane < first + lanes; lane++) {
    const register = Math.floor(lane / own);
    if (locals.has(register)) continue;
    code.operand(value, register, width);
    locals.set(register, body.keep(scalarName(value), "v128"));
  }
  const extract = (lane: number): void => {
    const position = first + lane;
    body.get(locals.get(Math.floor(position / own)) ?? 0);
    if (value.dtype !== "bool") return body.named(`${typeRow(value.dtype).vector}.extract_lane`, position % own);
    body.emit("i32x4.extract_lane", (position % own) * (4 / own));
    body.int(1);
    body.emit("i32.and");
  };
  return { kind: "lanes", value, extract };
}

const scalarName = (e: Expr): string => (e.name === "" ? e.op : e.name);
