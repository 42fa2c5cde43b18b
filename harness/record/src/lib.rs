//! What a run is on disk: manifest, records, exit codes
