//! Result codes (RFC 4511, appendix A), and which of them may pass by themselves.

pub(in crate::directory) const SUCCESS: u32 = 0;
pub(in crate::directory) const OPERATIONS_ERROR: u32 = 1;
pub(in crate::directory) const TIME_LIMIT: u32 = 3;
pub(in crate::directory) const SIZE_LIMIT: u32 = 4;
pub(in crate::directory) const REFERRAL: u32 = 10;
pub(in crate::directory) const ADMIN_LIMIT: u32 = 11;
pub(in crate::directory) const UNDEFINED_ATTRIBUTE: u32 = 17;
pub(in crate::directory) const CONSTRAINT_VIOLATION: u32 = 19;
pub(in crate::directory) const NO_SUCH_OBJECT: u32 = 32;
pub(in crate::directory) const INVALID_CREDENTIALS: u32 = 49;
pub(in crate::directory) const INSUFFICIENT_ACCESS: u32 = 50;
pub(in crate::directory) const BUSY: u32 = 51;
pub(in crate::directory) const UNAVAILABLE: u32 = 52;
pub(in crate::directory) const UNWILLING: u32 = 53;
pub(in crate::directory) const OTHER: u32 = 80;
/// RFC 4528, section 4.
pub(in crate::directory) const ASSERTION_FAILED: u32 = 122;

/// True where the server is to blame, and another one may answer.
pub(super) fn is_of_the_server(code: u32) -> bool {
    matches!(code, OPERATIONS_ERROR | BUSY | UNAVAILABLE | OTHER)
}

/// True where the same question may be answered in a few minutes.
pub(in crate::directory) fn may_pass(code: u32) -> bool {
    matches!(
        code,
        OPERATIONS_ERROR | TIME_LIMIT | BUSY | UNAVAILABLE | OTHER
    )
}
