//! Options that cannot be.

/// An option that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// No address.
    #[error("no endpoint: give the server's base address with --endpoint, as http://localhost:8000/v1")]
    NoEndpoint,
    /// An address that is none, or holds what no address should.
    #[error("the endpoint {address} is refused: {why}")]
    Address {
        /// The address, without what is secret in it.
        address: String,
        /// What is wrong.
        why: &'static str,
    },
    /// The same address twice.
    #[error("the endpoint {0} is there twice")]
    Twice(String),
    /// A number or time outside its range.
    #[error("`{name}` is {value}: it has to be {range}")]
    Range {
        /// The option.
        name: &'static str,
        /// What it was.
        value: String,
        /// What it can be.
        range: &'static str,
    },
    /// A field of a request that is not for `extra` to set.
    #[error("`extra` cannot set `{0}`: it is set by what each request asks for")]
    Extra(String),
    /// An environment variable without a usable key.
    #[error("the environment variable {variable} {why}")]
    Key {
        /// The variable.
        variable: String,
        /// What is wrong; never its value.
        why: &'static str,
    },
}
