import { array, grad, inspect, ShapeError, tensor } from "lazuli";
import type { Tensor } from "lazuli";

const double = (x: Tensor): Tensor => x.mul(2).add(1).tanh();
const y: Tensor = double(tensor([[1, 2, 3]])).sum({ axis: 1 });
const slope: Tensor = grad((x: Tensor) => x.sin().sum())(tensor([0, 1]));
export const texts: string[] = [String(array([1, 2])), inspect(y).text("plan"), String(slope)];
export const isShape = (e: unknown): boolean => e instanceof ShapeError;

// @ts-expect-error a number is no options object
tensor([1], 3);
