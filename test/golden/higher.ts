/** Area 10: how higher derivatives and optimizers are run on the library's transforms. */
import { add, evalAll, grad, hessian, jacobian, jvp, multiply, optim, stack, sum, Tensor, valueAndGrad, vjp, zerosLike } from "../../src/index.ts";
import type { Lazy } from "../../src/index.ts";
import type { GoldenCase } from "./cases.ts";
import type { Context, Program } from "./run.ts";
import { handleOf } from "./run.ts";

type Fn = (...xs: readonly Lazy[]) => Lazy;

/** The case's expression as a function of all its inputs. */
function expression(c: GoldenCase, context: Context): Fn {
  const { expr } = c;
  if (expr === undefined) throw new Error(`${c.id} has no expression`);
  return (...xs) => handleOf(context.call(expr, xs));
}

function argnumsOf(c: GoldenCase): readonly number[] {
  const given: unknown = c.kwargs["argnums"];
  return Array.isArray(given) ? given.map(Number) : [0];
}

const numberIn = (c: GoldenCase, name: string): number => Number(c.kwargs[name]);
const listed = (context: Context, given: readonly unknown[] | undefined): Lazy[] => (given ?? []).map((x) => handleOf(context.resolve(x, context.inputs)));
const pick = (list: readonly Lazy[], i: number): Lazy => handleOf(list[i]);

/** A function of the arguments that are differentiated by, the other inputs held. */
function ofArguments(c: GoldenCase, context: Context): { readonly f: Fn; readonly xs: readonly Lazy[] } {
  const argnums = argnumsOf(c);
  const f = expression(c, context);
  const filled: Fn = (...some) => f(...context.inputs.map((x, i) => (argnums.includes(i) ? pick(some, argnums.indexOf(i)) : x)));
  return { f: filled, xs: argnums.map((i) => pick(context.inputs, i)) };
}

const all = (xs: readonly Lazy[]): number[] => xs.map((_, i) => i);

/** f along a line: s -> f(x + s v), differentiated again and again by s. */
function directional(c: GoldenCase, context: Context): Lazy[] {
  const { f, xs } = ofArguments(c, context);
  const [x, v] = [pick(xs, 0), pick(listed(context, c.v), 0)];
  let current: Fn = (s) => f(add(x, multiply(v, s)));
  const zero = zerosLike(sum(x));
  const results: Lazy[] = [];
  for (let k = 0; k <= numberIn(c, "order"); k++) {
    results.push(current(zero));
    current = grad<Lazy>(current);
  }
  return results;
}

function nth(c: GoldenCase, context: Context): Lazy[] {
  const { f, xs } = ofArguments(c, context);
  const results: Lazy[] = [];
  let current: Fn = f;
  for (let k = 0; k <= numberIn(c, "order"); k++) {
    results.push(current(pick(xs, 0)));
    const before = current;
    current = grad<Lazy>((x) => sum(before(x)));
  }
  return results;
}

/** The sum over arguments of the squares of the gradient. */
function penalty(c: GoldenCase, context: Context): Lazy[] {
  const { f, xs } = ofArguments(c, context);
  const p: Fn = (...ys) => {
    const gradients = grad<Lazy>(f, { argnums: all(ys) })(...ys);
    return gradients.map((g) => sum(multiply(g, g))).reduce((a, b) => add(a, b));
  };
  const [value, gradients] = valueAndGrad<Lazy>(p, { argnums: all(xs) })(...xs);
  return [value, ...gradients];
}

/** The Hessian times v: the gradient pushed forward along v. */
function hessianProduct(c: GoldenCase, context: Context): Lazy[] {
  const { f, xs } = ofArguments(c, context);
  const directions = listed(context, c.v);
  return all(xs).map((i) => jvp<Lazy>((...ys) => pick(grad<Lazy>(f, { argnums: all(ys) })(...ys), i), xs, directions)[1]);
}

function tensorAt(list: readonly Tensor[], i: number): Tensor {
  const found = list[i];
  if (found === undefined) throw new Error(`there is no input ${i}`);
  return found;
}

type Making = (params: readonly Tensor[], options: { lr: number }) => optim.Optimizer;

/** Trains as the case says; optimizers are for tensors, whatever the dtype under test. */
function trained(make: Making): Program {
  return async (c, context) => {
    const { steps, ...options } = c.kwargs;
    const numbers = Object.fromEntries(Object.entries(options).map(([k, v]) => [k, typeof v === "number" ? v : Boolean(v)]));
    const inputs = context.inputs.map((x) => new Tensor(x.value));
    const params = (c.params ?? []).map((i) => tensorAt(inputs, i).requireGrad());
    const optimizer = make(params, { lr: numberIn(c, "lr"), ...numbers });
    const losses: Lazy[] = [];
    const history: Lazy[][] = params.map(() => []);
    for (let i = 0; i < Number(steps); i++) {
      const loss = expression(c, context)(...inputs);
      if (!(loss instanceof Tensor)) throw new Error("the loss is no tensor");
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      await evalAll(loss, optimizer.state);
      losses.push(loss.detach());
      params.forEach((p, k) => history[k]?.push(p.detach()));
    }
    return [losses, ...history].map((list) => stack(list));
  };
}

export const higher: Readonly<Record<string, Program>> = {
  grad: (c, context) => {
    const { f, xs } = ofArguments(c, context);
    const [value, gradients] = valueAndGrad<Lazy>(f, { argnums: all(xs) })(...xs);
    return [value, ...gradients];
  },
  hessian: (c, context) => {
    const { f, xs } = ofArguments(c, context);
    return [hessian<Lazy>(f)(pick(xs, 0))];
  },
  jacobian: (c, context) => {
    const { f, xs } = ofArguments(c, context);
    return jacobian<Lazy>(f, { argnums: all(xs) })(...xs);
  },
  jvp: (c, context) => {
    const { f, xs } = ofArguments(c, context);
    return jvp<Lazy>(f, xs, listed(context, c.tangents));
  },
  vjp: (c, context) => {
    const { f, xs } = ofArguments(c, context);
    const [value, back] = vjp<Lazy>(f, ...xs);
    return [value, ...back(pick(listed(context, c.v), 0))];
  },
  hvp: hessianProduct,
  nthDerivative: nth,
  directionalDerivatives: directional,
  gradPenalty: penalty,
  sgd: trained(optim.sgd),
  adam: trained(optim.adam),
  adamw: trained(optim.adamw),
  rmsprop: trained(optim.rmsprop),
  adagrad: trained(optim.adagrad),
};
