import ArgumentParser

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs a command for a task and keeps what it does.",
    discussion: """
      Examples:
        registry run reviews --set lr=3e-5 -- python train.py --lr {lr}
        registry run reviews --freeze 'encoder.layer.0.*' -- python train.py
        registry run ls reviews --where 'val/f1 > 0.8' --sort -val/f1
        registry run show best --plot val/f1
      """,
    subcommands: [
      RunTask.self, RunList.self, RunShow.self, RunLog.self, RunTag.self, RunStart.self,
      RunFinish.self, RunAdopt.self, RunScrape.self, RunRemove.self, RunRestore.self,
    ], defaultSubcommand: RunTask.self)
}
