"""PyTorch's counterpart of `npm run bench`: the same programs, weights and batches, on its CPU or CUDA, in results of the same form.

    python3 test/bench/peers/pytorch.py mlp cnn --device cuda -o bench-results/pytorch.json

The generator and the order of parameters are those of test/bench/workloads.ts, so the losses must agree with Nabla's.
On a processor set OMP_WAIT_POLICY=passive, or its idle threads take the cores from the others.
"""
import argparse
import json
import math
import os
import statistics
import time

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
import torch
import torch.nn.functional as F

ROUNDS = 4
COMPARED = (0, 1, 11, 21)


def uniform(seed, count, lo, hi):
    """Numbers from lo to hi: number i of a stream depends on the stream's seed and on i alone."""
    with np.errstate(over="ignore"):
        u32 = np.uint32
        x = u32((seed * 0x9E3779B9) & 0xFFFFFFFF) + np.arange(count, dtype=u32) * u32(0x85EBCA6B) + u32(0x27D4EB2F)
        x = (x ^ (x >> u32(16))) * u32(0x7FEB352D)
        x = (x ^ (x >> u32(15))) * u32(0x846CA68B)
        x = x ^ (x >> u32(16))
    return (lo + (hi - lo) * (x.astype(np.float64) / 2**32)).astype(np.float32)


def dense(path, n, units, bias=True):
    return [(f"{path}.W", (n, units), ("fan", n))] + ([(f"{path}.b", (units,), ("value", 0))] if bias else [])


def norm(path, n):
    return [(f"{path}.γ", (n,), ("value", 1)), (f"{path}.β", (n,), ("value", 0))]


def block(path, width):
    layers = norm(f"{path}.first", width)
    for part in "qkvo":
        layers += dense(f"{path}.attended.{part}", width, width)
    return layers + norm(f"{path}.second", width) + dense(f"{path}.net.wide", width, 4 * width) + dense(f"{path}.net.back", 4 * width, width)


def embedded(width, places):
    return [("h0.x.E", (64, width), ("within", 0.1)), ("h0.P", (places, width), ("within", 0.1))]


DECLARED = {
    "spiral": dense("h1", 2, 16) + dense("h2", 16, 16) + dense("z", 16, 1),
    "mlp": dense("h1", 784, 512) + dense("h2", 512, 256) + dense("z", 256, 10),
    "cnn": [("h1.K", (16, 1, 3, 3), ("fan", 9)), ("h1.b", (16,), ("value", 0)), ("h2.K", (32, 16, 3, 3), ("fan", 144)), ("h2.b", (32,), ("value", 0))] + dense("z", 1568, 10),
    "transformer": embedded(64, 64) + norm("h1.x", 64) + dense("h1.q", 64, 64, False) + dense("h1.k", 64, 64, False) + dense("h1.v", 64, 64, False) + dense("h1", 64, 64)
    + norm("h2.x", 64) + dense("h2.wide", 64, 256) + dense("h2.back", 256, 64) + norm("z.x", 64) + dense("z", 64, 64, False),
    "gpt": embedded(128, 128) + block("h1", 128) + block("h2", 128) + block("h3", 128) + block("h4", 128) + norm("z.x", 128) + dense("z", 128, 64, False),
    "lstm": [("h.x.E", (64, 64), ("within", 0.1)), ("h.W", (64, 512), ("fan", 64)), ("h.U", (128, 512), ("fan", 128)), ("h.b", (512,), ("value", 0))] + dense("z", 128, 64),
}


def weights(name, device):
    made = {}
    for k, (path, shape, (how, number)) in enumerate(DECLARED[name]):
        count = math.prod(shape)
        most = 1 / math.sqrt(number) if how == "fan" else number
        data = np.full(count, number, np.float32) if how == "value" else uniform(k + 1, count, -most, most)
        made[path] = torch.from_numpy(data.reshape(shape).copy()).to(device).requires_grad_()
    return made


def pictures(count, shape):
    size = math.prod(shape)
    templates = uniform(1001, 10 * size, 0, 1).astype(np.float64).reshape(10, size)
    made = []
    for k in range(ROUNDS):
        y = (np.arange(count) * 7 + k) % 10
        x = 0.7 * uniform(2000 + k, count * size, 0, 1).astype(np.float64).reshape(count, size) + 0.3 * templates[y]
        made.append((x.astype(np.float32).reshape(count, *shape), y.astype(np.int64)))
    return made


def sequences(count, length):
    made = []
    for k in range(ROUNDS):
        tokens = np.zeros((count, length + 1), np.int64)
        for row in range(count):
            tokens[row, 0] = (k * 13 + row * 7) % 64
            for at in range(length):
                tokens[row, at + 1] = (tokens[row, at] * 5 + 3 + row) % 64
        made.append((tokens[:, :-1].copy(), tokens[:, 1:].copy()))
    return made


def spirals(count):
    made = []
    for k in range(ROUNDS):
        radius = uniform(3000 + k, count, 0.1, 1).astype(np.float64)
        side = np.arange(count) & 1
        angle = 4 * radius + math.pi * side
        made.append((np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).astype(np.float32), side.astype(np.float32)[:, None]))
    return made


BATCHES = {
    "spiral": lambda: spirals(32), "mlp": lambda: pictures(128, (784,)), "cnn": lambda: pictures(64, (1, 28, 28)),
    "transformer": lambda: sequences(8, 64), "gpt": lambda: sequences(4, 128), "lstm": lambda: sequences(16, 64),
}


def model(name, p):
    """The loss of a batch."""
    layer = lambda x, path, bias=True: x @ p[f"{path}.W"] + p[f"{path}.b"] if bias else x @ p[f"{path}.W"]
    normed = lambda x, path: F.layer_norm(x, (x.shape[-1],), p[f"{path}.γ"], p[f"{path}.β"], 1e-5)
    gelu = lambda x: F.gelu(x, approximate="tanh")
    by_head = lambda x: x.reshape(x.shape[0], x.shape[1], 4, -1).transpose(1, 2)
    attention = lambda q, k, v: F.scaled_dot_product_attention(by_head(q), by_head(k), by_head(v), is_causal=True).transpose(1, 2).reshape(q.shape)
    entropy = lambda z, y: F.cross_entropy(z.reshape(-1, z.shape[-1]), y.reshape(-1))

    def spiral(x, y):
        return F.binary_cross_entropy_with_logits(layer(torch.tanh(layer(torch.tanh(layer(x, "h1")), "h2")), "z"), y)

    def mlp(x, y):
        return entropy(layer(torch.relu(layer(torch.relu(layer(x, "h1")), "h2")), "z"), y)

    def cnn(x, y):
        for path in ("h1", "h2"):
            x = F.max_pool2d(torch.relu(F.conv2d(x, p[f"{path}.K"], p[f"{path}.b"], padding=1)), 2)
        return entropy(layer(x.reshape(x.shape[0], -1), "z"), y)

    def transformer(x, y):
        h0 = p["h0.x.E"][x] + p["h0.P"]
        n = normed(h0, "h1.x")
        h1 = h0 + layer(attention(layer(n, "h1.q", False), layer(n, "h1.k", False), layer(n, "h1.v", False)), "h1")
        h2 = h1 + layer(gelu(layer(normed(h1, "h2.x"), "h2.wide")), "h2.back")
        return entropy(layer(normed(h2, "z.x"), "z", False), y)

    def gpt(x, y):
        h = p["h0.x.E"][x] + p["h0.P"]
        for path in ("h1", "h2", "h3", "h4"):
            n = normed(h, f"{path}.first")
            h = h + layer(attention(*(layer(n, f"{path}.attended.{part}") for part in "qkv")), f"{path}.attended.o")
            h = h + layer(gelu(layer(normed(h, f"{path}.second"), f"{path}.net.wide")), f"{path}.net.back")
        return entropy(layer(normed(h, "z.x"), "z", False), y)

    def lstm(x, y):
        inputs = p["h.x.E"][x] @ p["h.W"] + p["h.b"]
        h = c = torch.zeros(x.shape[0], 128, device=x.device)
        states = []
        for t in range(x.shape[1]):
            i, f, g, o = (inputs[:, t] + h @ p["h.U"]).chunk(4, 1)
            c = torch.sigmoid(f + 1) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            states.append(h)
        return entropy(layer(torch.stack(states, 1), "z"), y)

    return {"spiral": spiral, "mlp": mlp, "cnn": cnn, "transformer": transformer, "gpt": gpt, "lstm": lstm}[name]


def measure(name, device, rounds, block_ms, compiled):
    p = weights(name, device)
    batches = BATCHES[name]()
    loss_of = torch.compile(model(name, p)) if compiled else model(name, p)
    # The optimizers of the programs: momentum there takes v ← α v - lr g, which is the same path at a constant rate.
    optimizer = torch.optim.SGD(p.values(), lr=0.1, momentum=0.9) if name == "spiral" else torch.optim.Adam(p.values(), lr=1e-3, eps=1e-8)
    taken = 0
    losses = {}

    def run(steps):
        nonlocal taken
        for _ in range(steps):
            x, y = (torch.from_numpy(a).to(device, non_blocking=True) for a in batches[taken % ROUNDS])
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(x, y)
            loss.backward()
            optimizer.step()
            taken += 1
        losses[taken - 1] = loss.item()

    def timed(steps):
        started = time.perf_counter()
        run(steps)
        return (time.perf_counter() - started) * 1e3

    first = timed(1)
    for to in COMPARED[1:]:
        estimate = timed(to + 1 - taken) / max(1, to - 1)
    per_block = max(1, round(block_ms / max(estimate, 1e-3)))
    blocks = [timed(per_block) / per_block for _ in range(rounds)]
    return {
        "name": "pytorch", "version": torch.__version__, "firstStepMs": first, "stepMs": statistics.median(blocks), "bestMs": min(blocks), "blocks": blocks,
        "stepsPerBlock": per_block, "losses": {str(k): losses[k] for k in COMPARED},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workloads", nargs="*", default=[])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--compile", action="store_true", help="torch.compile around the model")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("-o", "--output")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    # f32 throughout, as WebGPU computes.
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    adapter = torch.cuda.get_device_name() if args.device == "cuda" else f"CPU, {args.threads} threads"
    results = []
    for name in args.workloads or list(DECLARED):
        found = measure(name, args.device, args.rounds, 600, args.compile)
        results.append({"workload": name, "load": os.getloadavg()[0], "measured": [found]})
        curve = ", ".join(f"{v:.6g}" for v in found["losses"].values())
        print(f"{name:12} {found['stepMs']:9.3f} ms a step, best {found['bestMs']:.3f}, first step {found['firstStepMs']:.0f} ms; loss at {', '.join(map(str, COMPARED))}: {curve}", flush=True)
    if args.output:
        with open(args.output, "w") as file:
            json.dump({"date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "adapter": adapter, "workloads": results}, file, indent=1)


main()
