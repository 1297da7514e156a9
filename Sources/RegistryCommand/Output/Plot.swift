import Foundation

/// Curves over one another, drawn with characters.
struct Plot {
  /// One curve; points in the order of their steps, NaN where the line is interrupted.
  struct Curve {
    let name: String
    let points: [(x: Double, y: Double)]
    /// How many points are NaN or infinite.
    let lostCount: Int
  }

  let title: String
  let curves: [Curve]
  /// Rows of the drawing itself.
  var height = 14

  private static let labelGap = 2

  /// How wide a drawing is: as the terminal, within reason.
  static func width(_ terminal: Terminal) -> Int { min(terminal.width ?? 80, 1000) }

  /// The lines of the drawing: title, curves between axes, and a legend where there are several.
  func lines(_ terminal: Terminal) -> [String] {
    let points = curves.flatMap(\.points)
    let finite = points.filter { $0.x.isFinite && $0.y.isFinite }
    let lost = curves.reduce(0) { $0 + $1.lostCount }
    guard let xs = Axis(finite.map(\.x), isWhole: true), let ys = Axis(finite.map(\.y)) else {
      return [
        title,
        points.isEmpty ? "no points" : "no finite points (\(lost) \(lost == 1 ? "is" : "are") not)",
      ]
    }
    let labels = ys.ticks(about: max(2, height / 3))
    let margin = labels.reduce(0) { max($0, $1.text.width) } + 1
    let width = max(20, Self.width(terminal) - margin - Self.labelGap - 2)
    var canvas = Canvas(width: width, height: height, style: canvasStyle(terminal))
    for (index, curve) in curves.enumerated() {
      canvas.draw(curve, index: index, xs, ys)
    }
    var lines = [terminal.styled(title, .bold)]
    let rows = canvas.lines(terminal)
    for (row, drawn) in rows.enumerated() {
      let tick = labels.first { ys.cell($0.value, of: height, isDown: true) == row }
      let label = (tick?.text ?? "").padded(to: margin - 1, right: true)
      let bar = terminal.isASCII ? (tick == nil ? "|" : "+") : (tick == nil ? "│" : "┤")
      lines.append("\(terminal.styled(label, .dim)) \(terminal.styled(bar, .dim))\(drawn)")
    }
    lines += xs.lines(width: width, margin: margin, terminal)
    lines += legend(terminal, margin: margin + 1)
    if lost > 0 {
      let sentence = lost == 1 ? "1 point is not finite" : "\(lost) points are not finite"
      lines.append(String(repeating: " ", count: margin + 1) + terminal.styled(sentence, .warning))
    }
    return lines
  }

  private func canvasStyle(_ terminal: Terminal) -> Canvas.Style {
    if terminal.isASCII { return curves.count == 1 ? .asterisks : .letters }
    return curves.count == 1 || terminal.isColoured ? .braille : .letters
  }

  private func legend(_ terminal: Terminal, margin: Int) -> [String] {
    guard curves.count > 1 else { return [] }
    return curves.enumerated().map { index, curve in
      let mark = terminal.coloured(Canvas.letter(index), palette: index)
      let last = curve.points.last { $0.y.isFinite }.map { "  \($0.y.fourDigits)" } ?? ""
      return String(repeating: " ", count: margin) + "\(mark)  \(curve.name.printable)\(last)"
    }
  }
}

/// The range of one direction and its round numbers.
struct Axis {
  let low: Double
  let high: Double
  private let isWhole: Bool

  /// Spans the numbers; nil when there is none that is finite.
  init?(_ numbers: [Double], isWhole: Bool = false) {
    let finite = numbers.filter(\.isFinite)
    guard var low = finite.min(), var high = finite.max() else { return nil }
    if low == high {
      // One number has no scale: its size gives one, down to where that is too small to divide.
      let room = isWhole ? 1 : low == 0 ? 1 : max(abs(low) * 0.1, Double.leastNormalMagnitude)
      if !isWhole { low = max(low - room, -.greatestFiniteMagnitude) }
      high = min(high + room, .greatestFiniteMagnitude)
    }
    // Steps beyond 2^53 are further apart than 1.
    if low == high { (low, high) = (low.nextDown, high.nextUp) }
    self.low = low
    self.high = high
    self.isWhole = isWhole
  }

  /// The place of a number among cells; 0 is at the low end or, `isDown`, at the high one.
  func cell(_ number: Double, of count: Int, isDown: Bool = false) -> Int {
    // The span of two finite numbers need not be finite; that of their halves is.
    let isWide = !(high - low).isFinite
    let share =
      isWide ? (number / 2 - low / 2) / (high / 2 - low / 2) : (number - low) / (high - low)
    let place = (isDown ? 1 - share : share) * Double(count - 1)
    return place.isFinite ? Int(min(max(place.rounded(), 0), Double(count - 1))) : 0
  }

  /// Round numbers (1, 2 or 5 times a power of ten) inside the range.
  func ticks(about count: Int) -> [(value: Double, text: String)] {
    let parts = Double(max(1, count))
    let raw = max(high / parts - low / parts, .leastNonzeroMagnitude)
    let power = pow(10, floor(log10(raw)))
    let near = [1, 2, 5, 10].map { $0 * power }.first { $0 >= raw * 0.7 && $0.isFinite } ?? raw
    let step = isWhole ? max(1, near) : near
    let first = (low / step).rounded(.up)
    let decimals = max(0, -Int(floor(log10(step) + 1e-9)))
    let isTiny = decimals > 6 || max(abs(low), abs(high)) >= 1e6
    return (0...(2 * count + 4)).map { (first + Double($0)) * step }.filter { $0 <= high }.map {
      let value = abs($0) < step / 2 ? 0 : $0
      return (value, String(format: isTiny ? "%.3g" : "%.\(decimals)f", value))
    }
  }

  /// The horizontal axis with its numbers below.
  func lines(width: Int, margin: Int, _ terminal: Terminal) -> [String] {
    let ticks = ticks(about: max(2, width / 12))
    var bar = [String](repeating: terminal.isASCII ? "-" : "─", count: width)
    var labels = [Character](repeating: " ", count: width + 12)
    var free = 0
    for tick in ticks {
      let cell = cell(tick.value, of: width)
      bar[cell] = terminal.isASCII ? "+" : "┬"
      let start = max(0, cell - tick.text.count / 2)
      guard start >= free, start + tick.text.count <= labels.count else { continue }
      for (offset, character) in tick.text.enumerated() { labels[start + offset] = character }
      free = start + tick.text.count + 1
    }
    let blanks = String(repeating: " ", count: margin)
    let below = String(labels).withoutTrailingBlanks
    return [
      blanks + terminal.styled((terminal.isASCII ? "+" : "└") + bar.joined(), .dim),
      blanks + " " + terminal.styled(below, .dim),
    ]
  }
}
