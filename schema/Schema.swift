/// The SQL of both files of a store, as ordered lists that only ever grow.
package enum Schema {
  /// One step of a schema; released steps are never edited.
  package struct Migration: Sendable {
    /// The schema number that `user_version` holds once the step is done.
    package let number: Int32
    /// The statements of the step.
    package let sql: String
  }

  /// The steps of `catalog.sqlite`.
  package static let catalog: [Migration] = [
    Migration(
      number: 1,
      sql: joined(
        PackageResources.v001_catalog_store_sql,
        PackageResources.v001_catalog_model_sql,
        PackageResources.v001_catalog_experiment_sql,
        PackageResources.v001_catalog_run_sql,
        PackageResources.v001_catalog_series_sql,
        PackageResources.v001_catalog_artifact_sql,
        PackageResources.v001_catalog_promotion_sql))
  ]

  /// The steps of `weights.sqlite`.
  package static let weights: [Migration] = [
    Migration(
      number: 1,
      sql: joined(
        PackageResources.v001_weights_store_sql,
        PackageResources.v001_weights_blob_sql)),
    Migration(number: 2, sql: joined(PackageResources.v002_weights_container_sql)),
  ]

  private static func joined(_ files: [UInt8]...) -> String {
    files.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
  }
}
