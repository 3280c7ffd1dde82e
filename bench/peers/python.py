"""NumPy as a peer: answers the requests that external.ts lists. It has no erf: Abramowitz and Stegun 7.1.26 stands in."""

import sys
import time

import numpy as np

ROOT = np.float32(np.sqrt(2 / np.pi))


def gelu(x):
    return 0.5 * x * (1 + np.tanh(ROOT * (x + 0.044715 * (x * x * x))))


def erf(x):
    t = 1 / (1 + 0.3275911 * np.abs(x))
    y = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
    return np.copysign(1 - y * np.exp(-x * x), x)


def cdf(x):
    return 0.5 * (1 + erf(x * np.float32(np.sqrt(0.5))))


def black_scholes(spot, strike, years, rate=0.02, sigma=0.3):
    spread = sigma * np.sqrt(years)
    d1 = (np.log(spot / strike) + (rate + 0.5 * sigma * sigma) * years) / spread
    return spot * cdf(d1) - strike * np.exp(-rate * years) * cdf(d1 - spread)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    e /= e.sum(axis=-1, keepdims=True)
    return e


def layer_norm(x, w, b):
    centred = x - x.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.mean(centred * centred, axis=1, keepdims=True) + np.float32(1e-5))
    return centred / spread * w + b


def attention(q, k, v):
    return softmax(q @ k.swapaxes(-1, -2) * np.float32(1 / 8)) @ v


def conv(x, w):
    """As a contraction of patches: x (1,c,h,w), w (o,c,3,3), padded by 1."""
    _, c, height, width = x.shape
    padded = np.pad(x[0], ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    patches = windows.transpose(0, 3, 4, 1, 2).reshape(c * 9, height * width)
    return w.reshape(len(w), c * 9) @ patches


def mlp(x, labels, w0, b0, w1, b1, w2, b2):
    batch = len(x)
    h0 = np.maximum(x @ w0 + b0, 0)
    h1 = np.maximum(h0 @ w1 + b1, 0)
    logits = h1 @ w2 + b2
    p = softmax(logits)
    rows = np.arange(batch)
    loss = -np.log(p[rows, labels]).mean()
    p[rows, labels] -= 1
    g2 = p / np.float32(batch)
    g1 = (g2 @ w2.T) * (h1 > 0)
    g0 = (g1 @ w1.T) * (h0 > 0)
    rate = np.float32(0.1)
    layers = ((w0, b0, x, g0), (w1, b1, h0, g1), (w2, b2, h1, g2))
    return loss, *(new for w, b, h, g in layers for new in (w - rate * (h.T @ g), b - rate * g.sum(axis=0)))


def adamw(p, g, m, v):
    mean = m * np.float32(0.9) + g * np.float32(0.1)
    square = v * np.float32(0.999) + np.square(g) * np.float32(0.001)
    root = np.sqrt(square) * np.float32(1 / np.sqrt(1 - 0.999**10)) + np.float32(1e-8)
    return p * np.float32(1 - 1e-5) - mean / root * np.float32(1e-3 / (1 - 0.9**10)), mean, square


def cross_entropy(x, labels):
    largest = x.max(axis=1, keepdims=True)
    sums = np.exp(x - largest).sum(axis=1)
    return np.mean(np.log(sums) + largest[:, 0] - x[np.arange(len(x)), labels])


def cross_entropy_gradient(x, labels):
    largest = x.max(axis=1, keepdims=True)
    slopes = np.exp(x - largest)
    sums = slopes.sum(axis=1, keepdims=True)
    rows = np.arange(len(x))
    loss = np.mean(np.log(sums[:, 0]) + largest[:, 0] - x[rows, labels])
    slopes /= sums * np.float32(len(x))
    slopes[rows, labels] -= np.float32(1 / len(x))
    return loss, slopes


def chained(x, y):
    for i in range(100):
        x = x * y if i % 2 == 0 else x + y
    return x


PROGRAMS = {
    "chain": lambda x: np.tanh(x * 1.5 + 0.25) * 2 + np.sqrt(np.abs(x)),
    "gelu": gelu,
    "cheap": lambda x, y: x * 2 + 1 - y * 3,
    "bs": black_scholes,
    "sum": lambda x: x.sum(),
    "softmax": softmax,
    "layernorm": layer_norm,
    "argmax": lambda x: x.argmax(axis=1),
    "var": lambda x: x.var(axis=1),
    "matmul": lambda a, b: a @ b,
    "dense": lambda a, b, bias: gelu(a @ b + bias),
    "attention": attention,
    "adamw": adamw,
    "cross-entropy": cross_entropy,
    "cross-entropy-gradient": cross_entropy_gradient,
    "conv": conv,
    "mlp": mlp,
    "tiny": lambda x, y: x * y,
    "chained": chained,
}


def operand(text):
    _, dtype, shape, path = text.split(":", 3)
    return np.fromfile(path, dtype=dtype).reshape([int(length) for length in shape.split("x")])


def version():
    try:
        blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return f"NumPy {np.__version__}, {blas['name']} {blas['version']}"
    except (KeyError, TypeError):
        return f"NumPy {np.__version__}"


def sample(call, inputs, runs):
    start = time.perf_counter()
    for _ in range(runs):
        call(*inputs)
    return time.perf_counter() - start


def main():
    call, inputs = None, []
    for line in sys.stdin:
        request, *rest = line.split()
        if request == "version":
            answer = f"version {version()}"
        elif request == "prepare":
            call, inputs = PROGRAMS.get(rest[0]), []
            inputs = [operand(text) for text in rest[1:]]
            answer = "none" if call is None else "ready"
        elif request == "sample":
            answer = f"seconds {sample(call, inputs, int(rest[0]))!r}"
        else:
            results = call(*inputs)
            results = results if isinstance(results, tuple) else (results,)
            for i, result in enumerate(results):
                np.asarray(result, dtype=np.float64).tofile(f"{rest[0]}{i}")
            answer = f"done {len(results)}"
        print(answer, flush=True)


main()
