import ArgumentParser

struct CompletionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completion",
    abstract: "Prints what makes a shell complete commands, options and names.",
    discussion: """
      Examples:
        registry completion bash > /etc/bash_completion.d/registry
        registry completion zsh > "${fpath[1]}/_registry"
        registry completion fish > ~/.config/fish/completions/registry.fish
      """)

  @Argument(help: "bash, zsh or fish.") var shell: CompletionScript
  @OptionGroup var globals: Globals

  func run() throws {
    globals.output.write(shell.text)
  }
}

/// How a shell asks the program for completions; status 1 means files, of which the shell knows more.
enum CompletionScript: String, CaseIterable, ExpressibleByArgument {
  case bash, zsh, fish

  var text: String {
    switch self {
    case .bash: Self.bashText
    case .zsh: Self.zshText
    case .fish: Self.fishText
    }
  }

  /// bash cuts words at `:`, `=` and `@` and replaces only what is behind; the line has them whole.
  private static let bashText = #"""
    _registry() {
      local program=$1 current=$2 line words candidates candidate IFS=$' \t\n'
      if [ -n "$COMP_LINE" ]; then
        line=${COMP_LINE:0:COMP_POINT}
        read -ra words <<< "$line"
        case $line in *[[:space:]]) words+=('') ;; esac
      else
        words=("${COMP_WORDS[@]:0:COMP_CWORD+1}")
      fi
      COMPREPLY=()
      local word=${words[${#words[@]}-1]}
      if ! candidates=$("$program" __complete "${words[@]:1}" 2>/dev/null); then
        compopt -o default 2>/dev/null
        return
      fi
      local before=${word%"$current"}
      while IFS= read -r candidate; do
        [ -n "$candidate" ] && COMPREPLY+=("${candidate#"$before"}")
      done <<< "$candidates"
    }
    complete -F _registry registry

    """#

  private static let zshText = #"""
    #compdef registry
    _registry() {
      local output
      local -a candidates
      if output=$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null); then
        candidates=("${(@f)output}")
        compadd -Q -- "${(@)candidates:#}"
      else
        _files
      fi
    }
    if [ "$funcstack[1]" = "_registry" ]; then _registry; else compdef _registry registry; fi

    """#

  private static let fishText = #"""
    function __registry_complete
      set -l words (commandline -opc) (commandline -ct)
      registry __complete $words[2..] 2>/dev/null
      or __fish_complete_path (commandline -ct)
    end
    complete -c registry -f -a '(__registry_complete)'

    """#
}
