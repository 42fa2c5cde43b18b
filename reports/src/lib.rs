//! What is told: metrics, intervals and tables from records
