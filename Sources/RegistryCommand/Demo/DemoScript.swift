/// What the demo types: the names of its things, and its commands in order.
enum DemoScript {
  static let base = "digits"
  static let task = "digits-5-9"
  static let metric = "val/accuracy"
  /// The runs of the task, in the order in which they are made.
  static let runs = ["scratch", "full", "frozen", "regularised"]

  private static let hidden = "--set hidden=256,128"

  /// From nothing to four trained versions.
  static func training(seed: Int64) -> [DemoStep] {
    let low = "--data \(DemoFiles.baseTraining) --validation \(DemoFiles.baseValidation)"
    let high = "--data \(DemoFiles.taskTraining) --validation \(DemoFiles.taskValidation)"
    func run(_ name: String, _ options: String) -> String {
      "run \(task) --name \(name) \(options) \(high) --set batch_size=8 --seed \(seed)"
    }
    return [
      DemoStep("A store is a folder, found from here as git finds its own.", run: "init"),
      DemoStep(
        "The base: a small network learns 0 to 4, turned four ways: 20 classes.",
        run: "experiment add pretraining"),
      DemoStep(
        run: "run pretraining --name base \(low) \(hidden) --set dropout=0.2 --set epochs=6"
          + " --set batch_size=64 --seed \(seed)"),
      DemoStep(
        "What the run made becomes version 1 of a model. A fork of it costs nothing.",
        run: "run adopt base --model \(base)"),
      DemoStep(run: "fork \(base) \(task) --metric \(metric):max"),
      DemoStep(
        "Four ways to learn 5 to 9 from fifty pictures. First without the base:",
        run: run("scratch", "--scratch \(hidden)")),
      DemoStep("Fine-tuned from the base, all of it:", run: run("full", "")),
      DemoStep(
        "The same, with the base's first layer left as it is:", run: run("frozen", "--freeze 0.*")),
      DemoStep(
        "All of it again, with more regularisation:",
        run: run("regularised", "--set dropout=0.4 --set weight_decay=0.1")),
    ]
  }

  /// From four versions to one that is released.
  static func judging(worst: String) -> [DemoStep] {
    [
      DemoStep("Which is best?", run: "run ls \(task) --sort=-\(metric)"),
      DemoStep(run: "compare \(runs.joined(separator: " "))"),
      DemoStep(run: "run show scratch full --plot \(metric)"),
      DemoStep(
        "Was the first layer left as it is? The weights themselves tell.",
        run: "diff \(base) frozen --tensors"),
      DemoStep("The best goes to prod.", run: "promote \(task)/best --to prod"),
      DemoStep(
        "The worst is refused: a version must be better than the one that it replaces.",
        run: "promote \(worst) --to prod", status: 5),
      DemoStep("Where does it come from, and what does it all cost?", run: "lineage \(task)@prod"),
      DemoStep(run: "du"),
      DemoStep("Is every byte still what it was?", run: "verify --full"),
    ]
  }
}
