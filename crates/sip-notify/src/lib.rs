//! sip-notify
