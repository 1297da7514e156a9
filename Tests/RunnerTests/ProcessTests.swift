import Testing

/// Runs of real processes, one after the other: signals reach all runs of one process.
@Suite(.serialized) struct ProcessTests {}
