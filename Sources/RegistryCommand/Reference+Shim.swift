import GRDB
import Tracking
enum Reference {
  static func run(_ text: String, _ db: Database) throws -> Run { try Run.resolve(text, db) }
}
