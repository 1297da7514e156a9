import Foundation
import Storage
import Support

/// scikit-learn, PyTorch and OpenBLAS, in a virtual environment of this checkout.
enum EnginePeers {
  /// The environment's Python; makes the environment the first time.
  static func python() throws -> String {
    let made = try shell("Tests/python-venv")
    guard made.status == 0 else { throw Failure(text: made.messages) }
    return made.text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Samples and GFLOP/s of the peers at one shape: inputs, hidden, outputs, batch, rows.
  static func measure(_ python: String, threads: Int, _ shape: [Int]) throws -> JSON {
    let script = URL(filePath: ".build/peers.py")
    try Data(Self.script.utf8).write(to: script)
    let numbers = shape.map(String.init).joined(separator: " ")
    let outcome = try shell(
      """
      unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
      OMP_NUM_THREADS=\(threads) OPENBLAS_NUM_THREADS=\(threads) MKL_NUM_THREADS=\(threads) \
      \(python) \(script.path) \(threads) \(numbers)
      """)
    guard outcome.status == 0 else { throw Failure(text: outcome.messages) }
    return try JSON.parse(Array(outcome.output))
  }

  private struct Failure: Error, CustomStringConvertible {
    let text: String
    var description: String { text }
  }

  private static func shell(_ script: String) throws -> Product.Outcome {
    try Product.shell(script, in: URL(filePath: FileManager.default.currentDirectoryPath))
  }

  private static let script = #"""
    import json, statistics, sys, time, warnings
    import numpy as np, threadpoolctl, torch
    from sklearn.neural_network import MLPClassifier

    threads, inputs, hidden, outputs, batch, rows = map(int, sys.argv[1:])
    warnings.filterwarnings("ignore")
    torch.set_num_threads(threads)
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, (rows, inputs)).astype(np.float32)
    y = rng.integers(0, outputs, rows)

    def rate(work, samples, rounds=5, seconds=0.25):
        work()
        start = time.perf_counter()
        work()
        count = max(1, int(seconds / (time.perf_counter() - start)))
        rates = []
        for _ in range(rounds):
            start = time.perf_counter()
            for _ in range(count):
                work()
            rates.append(samples * count / (time.perf_counter() - start))
        return statistics.median(rates)

    def torch_rate(**options):
        tx, ty = torch.from_numpy(x), torch.from_numpy(y)
        model = torch.nn.Sequential(
            torch.nn.Linear(inputs, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, outputs))
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, **options)

        def epoch():
            order = torch.randperm(rows)
            for i in range(0, rows, batch):
                rows_of_batch = order[i:i + batch]
                optimizer.zero_grad()
                out = model(tx[rows_of_batch])
                torch.nn.functional.cross_entropy(out, ty[rows_of_batch]).backward()
                optimizer.step()

        return rate(epoch, rows)

    def sklearn_rate():
        epochs = 10

        def fit():
            MLPClassifier((hidden,), batch_size=batch, max_iter=epochs, tol=0,
                          n_iter_no_change=10**6, random_state=1).fit(x, y)

        return rate(fit, rows * epochs, rounds=3)

    def gigaflops(a, b):
        out = np.empty((a.shape[0], b.shape[1]), np.float32)
        operations = 2 * a.shape[0] * a.shape[1] * b.shape[1]
        count = int(2e8 / operations) + 1

        def work():
            for _ in range(count):
                np.matmul(a, b, out=out)

        return rate(work, operations * count, seconds=0.1) / 1e9

    some = np.ascontiguousarray(x[:batch])
    weight = rng.uniform(-1, 1, (hidden, inputs)).astype(np.float32)
    slope = rng.uniform(-1, 1, (batch, hidden)).astype(np.float32)
    # The fastest of PyTorch's three ways to update.
    ways = {"default": {}, "for loop": {"foreach": False}, "fused": {"fused": True}}
    rates = {name: torch_rate(**options) for name, options in ways.items()}
    kernels = [pool.get("architecture") for pool in threadpoolctl.threadpool_info()
               if pool["internal_api"] == "openblas" and "numpy" in pool["filepath"]]
    print(json.dumps({
        "torch": max(rates.values()), "torchWays": rates, "sklearn": sklearn_rate(),
        "forward": gigaflops(some, weight.T), "gradient": gigaflops(slope.T, some),
        "kernel": ", ".join(map(str, kernels)),
    }))

    """#
}
