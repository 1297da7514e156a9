import Datasets
import Engine
import Foundation
import Storage

/// The rows that the demo trains on: the optical digits, in CSV files that anybody can read.
///
/// The pictures of 0 to 4 are for the base: four fifths to learn from, each in all nine places
/// that a move by at most one pixel up, down and sideways leads to, and a fifth to judge by. Those
/// of 5 to 9 are the task: a few of each digit to learn from, all others to judge by. What is not
/// shown in all places stands in one of the nine, drawn from the seed; so do the choices of rows.
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

  /// One picture in one place.
  private struct Row {
    let picture: Int
    let right: Int
    let down: Int
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
        let place = Int(places.next(below: 9))
        return Row(picture: picture, right: place % 3 - 1, down: place / 3 - 1)
      }
    }
    let low = shuffled(pictures { $0 < 5 })
    let parting = low.count / Self.basePart
    let everywhere = low[parting...].sorted().flatMap { picture in
      (0..<9).map { Row(picture: picture, right: $0 % 3 - 1, down: $0 / 3 - 1) }
    }
    var few: [Int] = []
    var others: [Int] = []
    for digit in 5..<10 as Range<UInt8> {
      let all = shuffled(pictures { $0 == digit })
      few += all.prefix(Self.labelsPerDigit)
      others += all.dropFirst(Self.labelsPerDigit)
    }
    contents = [
      (Self.baseTraining, Self.text(everywhere, digits)),
      (Self.baseValidation, Self.text(moved(Array(low[..<parting])), digits)),
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
      for ink in digits.picture(row.picture, right: row.right, down: row.down) {
        text += "\(ink),"
      }
      text += "\(digits.labels[row.picture])\n"
    }
  }
}
