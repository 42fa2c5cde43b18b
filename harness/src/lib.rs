//! Who asks and measures: scheduler, resume, shards, replay
