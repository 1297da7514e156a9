import ArgumentParser

struct Completion: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints what makes a shell complete commands, options and names.",
    discussion: """
      Examples:
        registry completion bash > /etc/bash_completion.d/registry
        registry completion zsh > "${fpath[1]}/_registry"
        registry completion fish > ~/.config/fish/completions/registry.fish
      """)

  enum Shell: String, CaseIterable, ExpressibleByArgument {
    case bash, zsh, fish
  }

  @Argument(help: "bash, zsh or fish.") var shell: Shell
  @OptionGroup var globals: Globals

  func run() throws {
    let kind: CompletionShell =
      switch shell {
      case .bash: .bash
      case .zsh: .zsh
      case .fish: .fish
      }
    globals.output.write(Registry.completionScript(for: kind) + "\n")
  }
}
