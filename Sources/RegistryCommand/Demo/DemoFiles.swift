import Datasets
import Engine
import Foundation
import Storage

/// The rows that the demo trains on: the optical digits, in CSV files that anybody can read.
///
/// The pictures of 0 to 4 are for the base: four fifths to learn from, each in all nine places
/// that a move by at most one pixel up, down and sideways leads to, and a fifth to judge by. All of
/// them are shown four ways round, which are classes of their own: five digits alone would teach
/// too little of strokes to help with others. Those of 5 to 9 are the task: a few of each digit to
/// learn from, all others to judge by. What is not shown in all places stands in one of the nine.
/// The choices of rows and places are drawn from the seed.
struct DemoFiles {
  static let baseTraining = "digits-0-4.csv"
  static let baseValidation = "digits-0-4-val.csv"
  static let taskTraining = "digits-5-9.csv"
  static let taskValidation = "digits-5-9-val.csv"

  /// How many pictures of each digit the task has to learn from.
  static let labelsPerDigit = 10
  /// What part of the base's pictures is for judging: one of so many.
  static let basePart = 5

  /// The files' names and contents, in the order in which they are used.
  let contents: [(name: String, text: String)]

  /// One picture in one of nine places, from the upper left, row by row.
  private struct Row {
    let picture: Int
    let place: Int
    /// Quarters of a turn to the left; nil where pictures are not turned.
    var turn: Int?

    func ink(_ digits: OpticalDigits) -> [UInt8] {
      let ink = digits.picture(picture, right: place % 3 - 1, down: place / 3 - 1)
      return (0..<(turn ?? 0)).reduce(ink) { ink, _ in OpticalDigits.turned(ink) }
    }

    func label(_ digits: OpticalDigits) -> String {
      "\(digits.labels[picture])" + (turn.map { "-\(90 * $0)" } ?? "")
    }
  }

  init(_ digits: OpticalDigits, seed: Int64) {
    let source = RandomSource(seed: UInt64(bitPattern: seed))
    var (choices, places) = (source.split(1), source.split(2))
    func shuffled(_ pictures: [Int]) -> [Int] {
      let drawn = pictures.map { (word: choices.next(), picture: $0) }
      return drawn.sorted { $0 < $1 }.map(\.picture)
    }
    func pictures(_ isWanted: (UInt8) -> Bool) -> [Int] {
      digits.labels.indices.filter { isWanted(digits.labels[$0]) }
    }
    func moved(_ pictures: [Int]) -> [Row] {
      pictures.sorted().map { picture in
        Row(picture: picture, place: Int(places.next(below: 9)))
      }
    }
    func turned(_ rows: [Row]) -> [Row] {
      rows.flatMap { row in
        (0..<4).map { Row(picture: row.picture, place: row.place, turn: $0) }
      }
    }
    let low = shuffled(pictures { $0 < 5 })
    let parting = low.count / Self.basePart
    let everywhere = low[parting...].sorted().flatMap { picture in
      (0..<9).map { Row(picture: picture, place: $0) }
    }
    var few: [Int] = []
    var others: [Int] = []
    for digit in 5..<10 as Range<UInt8> {
      let all = shuffled(pictures { $0 == digit })
      few += all.prefix(Self.labelsPerDigit)
      others += all.dropFirst(Self.labelsPerDigit)
    }
    contents = [
      (Self.baseTraining, Self.text(turned(everywhere), digits)),
      (Self.baseValidation, Self.text(turned(moved(Array(low[..<parting]))), digits)),
      (Self.taskTraining, Self.text(moved(few), digits)),
      (Self.taskValidation, Self.text(moved(others), digits)),
    ]
  }

  /// Writes the files.
  func write(to folder: URL) throws {
    for (name, text) in contents {
      try Data(text.utf8).write(to: folder.appending(path: name))
    }
  }

  /// Names of the pixels as scikit-learn has them, and then a picture a line.
  private static func text(_ rows: [Row], _ digits: OpticalDigits) -> String {
    let sides = 0..<OpticalDigits.side
    let names = sides.flatMap { y in sides.map { x in "pixel_\(y)_\(x)" } }
    return rows.reduce(into: (names + ["label"]).joined(separator: ",") + "\n") { text, row in
      for ink in row.ink(digits) { text += "\(ink)," }
      text += row.label(digits) + "\n"
    }
  }
}
