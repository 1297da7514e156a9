/// Names of tensors across wrappers: the same weights are `encoder.x` here and `bert.encoder.x`
/// there.
package enum TensorName {
  /// What libraries put before a tensor's name when they wrap a model.
  package static let prefixes = [
    "state_dict.", "model_state_dict.", "_orig_mod.", "module.", "base_model.model.", "base_model.",
    "0.auto_model.", "auto_model.",
    "model.", "transformer.", "bert.", "roberta.", "distilbert.", "electra.", "deberta.", "albert.",
    "mpnet.", "vit.",
  ]

  /// The name without any known prefix, as bytes; never empty unless the name is.
  package static func bare(_ name: String) -> [UInt8] {
    forms(name).last ?? []
  }

  /// The name with all of its known prefixes, then with one less after the other, as bytes.
  package static func forms(_ name: String) -> [[UInt8]] {
    var rest = Array(name.utf8)[...]
    var forms = [Array(rest)]
    while let prefix = prefixes.first(where: { rest.starts(with: $0.utf8) }),
      rest.count > prefix.utf8.count
    {
      rest = rest.dropFirst(prefix.utf8.count)
      forms.append(Array(rest))
    }
    return forms
  }
}
