/** The next float: floats that are neighbours are neighbours as integers of the same bits, counted away from zero. */
import { at } from "../../ir/errors.ts";
import type { Expr } from "../../ir/expr.ts";
import type { Body } from "./body.ts";
import { typeRow } from "./types.ts";

/** Leaves the float after the first operand towards the second on the stack. */
export function spellNextAfter(e: Expr, { body, push }: { readonly body: Body; readonly push: (e: Expr) => void }): void {
  const { local: f } = typeRow(e.dtype);
  push(at(e.args, 0));
  const x = body.keep("x", f);
  push(at(e.args, 1));
  const y = body.keep("y", f);
  spellMoved(x, y, { body, f });
  const next = body.keep("next", f);
  const pair = (op: string, a: number, b: number): void => {
    body.get(a);
    body.get(b);
    body.named(`${f}.${op}`);
  };
  // equal operands give the second
  body.get(y);
  body.get(next);
  pair("eq", x, y);
  body.emit("select");
  // a NaN gives NaN, which the sum is
  pair("add", x, y);
  pair("eq", x, x);
  pair("eq", y, y);
  body.emit("i32.and");
  body.emit("select");
}

/** One step from x towards y: from zero to the smallest number with the sign of y, else one bit up where y > x has the sign of x. */
function spellMoved(x: number, y: number, { body, f }: { readonly body: Body; readonly f: "f32" | "f64" | "i32" | "i64" }): void {
  const i = f === "f32" ? "i32" : "i64";
  body.named(`${i}.const`, 1);
  body.named(`${f}.reinterpret_${i}`);
  body.get(y);
  body.named(`${f}.copysign`);
  body.get(x);
  body.named(`${i}.reinterpret_${f}`);
  body.named(`${i}.const`, 1);
  body.named(`${i}.const`, -1);
  body.get(y);
  body.get(x);
  body.named(`${f}.gt`);
  body.get(x);
  body.named(`${f}.const`, 0);
  body.named(`${f}.gt`);
  body.emit("i32.eq");
  body.emit("select");
  body.named(`${i}.add`);
  body.named(`${f}.reinterpret_${i}`);
  body.get(x);
  body.named(`${f}.const`, 0);
  body.named(`${f}.eq`);
  body.emit("select");
}
