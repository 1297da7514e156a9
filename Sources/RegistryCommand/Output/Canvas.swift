/// A grid of characters on which curves are drawn.
struct Canvas {
  /// How a curve shows.
  enum Style {
    /// Eight dots a character: one curve, or several told apart by colour and a letter at their end.
    case braille
    /// One letter a curve.
    case letters
    case asterisks
  }

  private let width: Int
  private let height: Int
  private let style: Style
  private let dotsAcross: Int
  private let dotsDown: Int
  private var dots: [UInt8]
  private var owners: [Int?]
  private var ends: [Int: Int] = [:]  // row → the curve that ends there

  /// Starts empty.
  init(width: Int, height: Int, style: Style) {
    self.width = width
    self.height = height
    self.style = style
    dotsAcross = style == .braille ? width * 2 : width
    dotsDown = style == .braille ? height * 4 : height
    dots = Array(repeating: 0, count: width * height)
    owners = Array(repeating: nil, count: width * height)
  }

  /// The letter that stands for the n-th curve.
  static func letter(_ index: Int) -> String {
    let letters = "abcdefghijklmnopqrstuvwxyz"
    return String(letters[letters.index(letters.startIndex, offsetBy: index % letters.count)])
  }

  /// Draws a curve: per column of dots the line from where it enters over its extremes to where it leaves.
  mutating func draw(_ curve: Plot.Curve, index: Int, _ xs: Axis, _ ys: Axis) {
    var previous: (column: Int, row: Int)?
    for point in curve.points where point.x.isFinite || point.y.isNaN {
      guard point.y.isFinite, point.x.isFinite else {
        previous = nil
        continue
      }
      let column = xs.cell(point.x, of: dotsAcross)
      let row = ys.cell(point.y, of: dotsDown, isDown: true)
      connect(previous ?? (column, row), (column, row), index)
      previous = (column, row)
    }
    if let end = previous {
      ends[end.row * height / dotsDown] = index
    }
  }

  /// The rows, each with the letter of a curve that ends there behind it.
  func lines(_ terminal: Terminal) -> [String] {
    let hasSeveral = Set(owners.compactMap(\.self)).count > 1
    return (0..<height).map { row in
      var line = ""
      var run = (text: "", owner: Int?.none)
      func flush() {
        line += run.owner.map { terminal.coloured(run.text, palette: $0) } ?? run.text
        run.text = ""
      }
      for cell in row * width..<(row + 1) * width {
        if owners[cell] != run.owner { flush() }
        run.owner = owners[cell]
        run.text += owners[cell].map { character(cell, $0) } ?? " "
      }
      if run.owner != nil { flush() }
      guard style == .braille, hasSeveral, let end = ends[row] else { return line }
      return line + run.text + " " + terminal.coloured(Self.letter(end), palette: end)
    }
  }

  private func character(_ cell: Int, _ owner: Int) -> String {
    switch style {
    case .braille: Unicode.Scalar(0x2800 + UInt32(dots[cell])).map { String($0) } ?? "*"
    case .letters: Self.letter(owner)
    case .asterisks: "*"
    }
  }

  /// Bresenham's line.
  private mutating func connect(
    _ from: (column: Int, row: Int), _ to: (column: Int, row: Int), _ index: Int
  ) {
    var (column, row) = from
    let across = abs(to.column - column)
    let down = -abs(to.row - row)
    var error = across + down
    while true {
      set(column, row, index)
      if column == to.column && row == to.row { return }
      let twice = 2 * error
      if twice >= down {
        error += down
        column += column < to.column ? 1 : -1
      }
      if twice <= across {
        error += across
        row += row < to.row ? 1 : -1
      }
    }
  }

  private mutating func set(_ column: Int, _ row: Int, _ index: Int) {
    guard style == .braille else {
      owners[row * width + column] = index
      return
    }
    let cell = row / 4 * width + column / 2
    // Unicode's numbering of the eight dots, by row and column.
    let bits: [[UInt8]] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]]
    dots[cell] |= bits[row % 4][column % 2]
    owners[cell] = index
  }
}
