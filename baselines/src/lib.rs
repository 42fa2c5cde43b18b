//! Methods: who answers a query
