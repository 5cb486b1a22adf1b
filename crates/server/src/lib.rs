//! The HTTP edges of Fullmakt: sign-in, Partner Center, Azure Resource Manager, own API.

pub mod partner_center;
