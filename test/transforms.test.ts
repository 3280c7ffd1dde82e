import { describe, expect, expectTypeOf, it } from "vitest";
import { argmax, array, exp, grad, gradients, hessian, jacobian, jvp, noGrad, sin, stopGradient, sum, tensor, valueAndGrad, vjp } from "../src/index.ts";
import type { NDArray, Tensor } from "../src/index.ts";

const cell = (data: number[] | number): Tensor => tensor(data, { requiresGrad: true });

describe("backward", () => {
  it("puts gradients into cells, and adds up", () => {
    const w = cell([1, 2]);
    w.square().sum().backward();
    expect(w.grad?.tolist()).toEqual([2, 4]);
    w.sum().backward();
    expect(w.grad?.tolist()).toEqual([3, 5]);
  });
  it("works after the loss was logged", () => {
    const w = cell([3]);
    const loss = w.square().sum();
    expect(loss.item()).toBe(9);
    loss.backward();
    expect(w.grad?.tolist()).toEqual([6]);
  });
  it("takes a cotangent", () => {
    const w = cell([1, 2]);
    w.mul(3).backward({ gradient: tensor([1, 10]) });
    expect(w.grad?.tolist()).toEqual([3, 30]);
  });
  it("records the gradient only with createGraph", () => {
    const w = cell([2]);
    w.pow(3).sum().backward();
    expect(w.grad?.requiresGrad).toBe(false);
    const v = cell([2]);
    v.pow(3).sum().backward({ createGraph: true });
    expect(v.grad?.requiresGrad).toBe(true);
    const again = v.grad === null ? [] : gradients(v.grad.sum(), [v]);
    expect(again.map((g) => g.tolist())).toEqual([[12]]);
  });
  it.each([
    [() => tensor([1]).sum().backward(), "backward: this tensor was not computed from one with requiresGrad"],
    [() => cell([1, 2]).mul(2).backward(), "ShapeError: backward: f32[2] is no single number"],
    [() => argmax(cell([1, 2])).backward(), "DTypeError: backward: i32[] has no gradient"],
    [() => cell([1]).detach().sum().backward(), "not computed from one with requiresGrad"],
    [
      () =>
        noGrad(() => cell([1]).mul(2))
          .sum()
          .backward(),
      "not computed from one with requiresGrad",
    ],
    [
      () =>
        cell([1])
          .mul(2)
          .backward({ gradient: tensor([1, 2]) }),
      "the cotangent f32[2] of f32[1] must have its type",
    ],
  ])("bad use %#", (f, text) => {
    let message = "";
    try {
      f();
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain(text);
  });
});

describe("gradients", () => {
  it("count the path through another of the inputs", () => {
    const w = cell([2]);
    const h = w.square();
    expect(gradients(h.mul(w).sum(), [w, h]).map((g) => g.tolist())).toEqual([[12], [2]]);
  });
});

describe("cells", () => {
  it("are rebound by assign; what was recorded keeps the old value", () => {
    const w = cell([1]);
    const before = w.mul(10);
    w.assign(tensor([5]));
    expect([before.tolist(), w.tolist(), w.mul(10).tolist(), w.requiresGrad]).toEqual([[10], [5], [50], true]);
    w.square().sum().backward();
    expect(w.grad?.tolist()).toEqual([10]);
  });
  it("check shape and dtype", () => {
    expect(() => cell([1]).assign(tensor([1, 2]))).toThrow("assign: f32[2] to a tensor f32[1]");
    expect(() => cell([1]).assign(tensor([1], { dtype: "float64" }))).toThrow('Convert it with astype("float32")');
  });
  it("do not chain: an evaluated step forgets the one before", async () => {
    const w = cell([1]);
    for (let i = 0; i < 50; i++) {
      w.assign(w.sub(w.square().mul(0.01)));
      await w.eval();
    }
    expect(w.value.node.definition).toBeNull();
    expect(w.item()).toBeCloseTo(0.66, 1);
  });
  it("learn", () => {
    const [x, y] = [tensor([[1], [2], [3]]), tensor([[2], [4], [6]])];
    const w = tensor([[0]], { requiresGrad: true });
    for (let i = 0; i < 50; i++) {
      const [g] = gradients(x.matmul(w).sub(y).square().mean(), [w]);
      if (g !== undefined) w.assign(w.sub(g.mul(0.1))).evalSync();
    }
    expect(w.item()).toBeCloseTo(2, 4);
  });
});

describe("grad", () => {
  it("infers tensors, and takes arrays where they are named", () => {
    const df = grad((x) => x.sin().sum());
    expectTypeOf(df(tensor([0]))).toEqualTypeOf<Tensor>();
    expect(df(tensor([0])).tolist()).toEqual([1]);
    const dg = grad((x: NDArray) => exp(x).sum());
    expectTypeOf(dg(array([0]))).toEqualTypeOf<NDArray>();
    expect(dg(array([0])).tolist()).toEqual([1]);
  });
  it("nests", () => {
    const third = grad((x) => grad((y) => grad((z) => z.pow(4).sum())(y).sum())(x).sum());
    expect(third(tensor([1, 2])).tolist()).toEqual([24, 48]);
  });
  it("gives zero where the derivative is a constant", () => {
    expect(grad((x) => grad((y) => y.mul(3).sum())(x).sum())(tensor([1, 2])).tolist()).toEqual([0, 0]);
    expect(hessian((x: NDArray) => x.sum())(array([1])).tolist()).toEqual([[0]]);
  });
  it("does not confuse an inner with an outer variable", () => {
    const f = grad((x) => x.mul(grad((y) => x.add(y).sum())(tensor(1))).sum());
    expect(f(tensor(1)).item()).toBe(1);
  });
  it("reads values inside", () => {
    const f = grad((x) => (Number(x.sum().item()) > 0 ? x.square().sum() : x.sum()));
    expect([f(tensor([3])).tolist(), f(tensor([-3])).tolist()]).toEqual([[6], [1]]);
  });
  it("differentiates by several arguments", () => {
    const f = (x: Tensor, y: Tensor): Tensor => x.mul(y).sum();
    const [value, [dx, dy]] = valueAndGrad(f, { argnums: [0, 1] })(tensor([2]), tensor([5]));
    expect([value.item(), dx?.tolist(), dy?.tolist()]).toEqual([10, [5], [2]]);
    expect(grad(f, { argnums: 1 })(tensor([2]), tensor([5])).tolist()).toEqual([2]);
  });
  it("leaves no history, unless the function closes over a cell", () => {
    expect(grad((x) => x.square().sum())(tensor([1])).requiresGrad).toBe(false);
    const w = cell([3]);
    const g = grad((x) => x.mul(w).square().sum())(tensor([1]));
    g.sum().backward();
    expect([g.tolist(), w.grad?.tolist()]).toEqual([[18], [12]]);
  });
  it("holds inside noGrad, where its result has no history", () => {
    const w = cell([3]);
    const g = noGrad(() => grad((x) => x.mul(w).sum())(tensor([1])));
    expect([g.tolist(), g.requiresGrad]).toEqual([[3], false]);
  });
  it.each([
    [() => grad((x) => x)(tensor([1, 2])), "ShapeError: grad: f32[2] is no single number"],
    [() => grad((x) => x.sum())(tensor([1], { dtype: "int32" })), "DTypeError: grad: argument 0 is i32[1]: only floats are differentiated"],
    [() => grad<Tensor>(() => tensor(1))(tensor([1])), "UnsupportedError: grad: f32[] does not depend on input 0, f32[1]"],
    [() => grad((x) => stopGradient(x).sum())(tensor([1])), "does not depend on input 0"],
    // @ts-expect-error what TypeScript refuses is an error in JavaScript too
    [() => grad((x) => x.sum().item())(tensor([1])), "grad: the function returned number, not an array or tensor"],
    [() => grad((x) => x.sum(), { argnums: 1 })(tensor([1])), "grad: argument 1 is no array or tensor"],
    [() => gradients(tensor([1]).sum(), [cell([1])]), "does not depend on input 0"],
    [() => jvp((x: Tensor) => x, [tensor([1])], [tensor([1, 2])]), "jvp: tangent 0 f32[2] of f32[1] must have its type"],
    [() => jvp((x: Tensor) => x, [tensor([1])], []), "jvp: 1 arguments and 0 tangents"],
  ])("bad use %#", (f, text) => {
    let message = "";
    try {
      f();
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain(text);
  });
  it("says that a value was evaluated without tracking", () => {
    const x = tensor([1]);
    const y = x.mul(2).sum().evalSync();
    expect(() => gradients(y, [x])).toThrow("it was evaluated, and nothing it was computed from requires gradients");
  });
});

describe("products with the Jacobian", () => {
  it("vjp gives the value and a function of the cotangent", () => {
    const [y, back] = vjp((x: NDArray) => x.square(), array([1, 2]));
    expect([y.tolist(), back(array([1, 10])).map((g) => g.tolist())]).toEqual([[1, 4], [[2, 40]]]);
  });
  it("jvp gives the value and the derivative along the tangents", () => {
    const [y, dy] = jvp((x: NDArray, z: NDArray) => x.mul(z), [array([2]), array([3])], [array([1]), array([10])]);
    expect([y.tolist(), dy.tolist()]).toEqual([[6], [23]]);
  });
  it("forward over reverse", () => {
    const [, hv] = jvp(
      grad((x: NDArray) => x.pow(3).sum()),
      [array([1, 2])],
      [array([1, 0])],
    );
    expect(hv.tolist()).toEqual([6, 0]);
  });
  it("jacobian and hessian", () => {
    expect(jacobian((x: NDArray) => sin(x).mul(2))(array([0, 0])).tolist()).toEqual([
      [2, 0],
      [0, 2],
    ]);
    expect(hessian((x: NDArray) => sum(x.pow(3)))(array([1, 2])).tolist()).toEqual([
      [6, 0],
      [0, 12],
    ]);
    expect(jacobian((x: NDArray) => x.at("0:0"))(array([1, 2])).shape).toEqual([0, 2]);
  });
});
