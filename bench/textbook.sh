#!/usr/bin/env bash
# The textbook's training loop against Gibbsite, both as whole processes on one thread, in turn, medians of N runs.
# 5,000 points, 100 epochs of batches of 256, 30 Langevin steps an update: 15.4 million chain steps.
# Needs a C++ compiler, Python 3 and a release build. Usage: bench/textbook.sh [N]
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-15}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
gibbsite=${CARGO_TARGET_DIR:-target}/release/gibbsite
[ -x "$gibbsite" ] || cargo build --release
c++ -O3 -march=native -o "$folder/pow" bench/textbook.cpp
c++ -O3 -march=native -DPRODUCTS -o "$folder/products" bench/textbook.cpp
python3 - "$folder" "$gibbsite" "$runs" <<'EOF'
import random, statistics, subprocess, sys, time

folder, gibbsite, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
data = f"{folder}/data.csv"
rng = random.Random(1)
with open(data, "w") as file:
    for _ in range(5000):
        file.write(f"{rng.gauss(-2 if rng.random() < 0.5 else 2, 0.5)!r}\n")
fit = [gibbsite, "fit", data, "--energy", "a*x^2+b*x+exp(g)*x^4", "--objective", "pcd", "--sampler", "ula",
       "--optimizer", "sgd", "--lr", "0.001", "--epochs", "100", "--batch", "256", "--steps", "30", "--step-size", "0.01",
       "--start", "noise", "--init", "a=0.05,b=0,g=-0.5", "--threads", "1", "--out", f"{folder}/m.gibbs", "--json"]
commands = {"C++ with pow": [f"{folder}/pow", data], "C++ with products": [f"{folder}/products", data], "gibbsite fit": fit}
seconds = {name: [] for name in commands}
for run in range(runs + 1):
    for name, command in commands.items():
        begin = time.perf_counter()
        out = subprocess.run(command, capture_output=True, text=True)
        elapsed = time.perf_counter() - begin
        if out.returncode not in (0, 3):
            sys.exit(out.stdout + out.stderr)
        if run == 0:
            print(f"{name:18} {out.stdout.strip()[:230]}")
        else:
            seconds[name].append(elapsed)
base = seconds["gibbsite fit"]
for name, times in seconds.items():
    ratio = statistics.median(t / b for t, b in zip(times, base))
    print(f"{name:18} median {1e3 * statistics.median(times):7.1f} ms  (min {1e3 * min(times):.1f}), {ratio:5.1f} times gibbsite")
EOF
