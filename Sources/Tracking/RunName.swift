import GRDB
import Storage

/// Names that are easier to say than 32 hex digits: `brave-otter`.
enum RunName {
  /// A name that no run of the experiment has.
  static func generate(experimentId: Int64, _ db: Database) throws -> String {
    let statement = try db.cachedStatement(
      sql: "SELECT EXISTS (SELECT 1 FROM run WHERE name = ? AND experimentId = ?)")
    var generator = SystemRandomNumberGenerator()
    var numberMax = 1
    while true {
      let adjective = adjectives.randomElement(using: &generator) ?? "new"
      let noun = nouns.randomElement(using: &generator) ?? "run"
      let number = Int.random(in: 1...numberMax, using: &generator)
      let name = number == 1 ? "\(adjective)-\(noun)" : "\(adjective)-\(noun)-\(number)"
      guard try Bool.fetchOne(statement, arguments: [name, experimentId]) == true else {
        return name
      }
      numberMax *= 4
    }
  }

  /// Refuses what no line could show: a name is 1–255 bytes without control characters.
  ///
  /// Other tools' clients may bring any such text; what means something else in a reference
  /// (`:`, `@`) is found by the run's id.
  static func check(_ name: String) throws(RegistryError) {
    let count = name.utf8.count
    guard (1...255).contains(count) else {
      throw RegistryError(.invalidInput, "the run's name has \(count) bytes; it needs 1 to 255")
    }
    guard !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      throw RegistryError(.invalidInput, "the run's name has a control character")
    }
  }

  private static let adjectives = words(
    """
    able amber ample brave brief bright brisk calm clear clever cosmic crisp curious daring deep
    eager early easy fair fast fine firm fond free fresh gentle glad golden good grand happy
    hardy honest humble jolly keen kind light lively lucid lucky merry mild modest neat nimble
    noble patient plain polite proud quick quiet rapid ready rosy royal sharp silent silver
    simple smart smooth snug solid steady still sturdy sunny swift tidy tranquil true vivid warm
    wise witty young zesty
    """)

  private static let nouns = words(
    """
    ant badger bear beaver bee bison boar camel cat crane crow deer dingo dolphin dove duck
    eagle egret elk emu falcon ferret finch fox frog gecko gibbon goat goose gull hare hawk
    heron hippo ibex ibis jay kite kiwi koala lark lemur lion llama lynx magpie mink mole moose
    moth newt orca oryx osprey otter owl panda petrel pika puffin puma quail rabbit raven robin
    rook salmon seal shrew sloth snail sparrow squid stoat stork swan tapir tern tiger toad
    trout turtle viper vole walrus weasel whale wolf wombat wren yak zebra
    """)

  private static func words(_ text: String) -> [Substring] {
    text.split { $0 == " " || $0 == "\n" }
  }
}
