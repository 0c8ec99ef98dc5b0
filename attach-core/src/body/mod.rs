//! Bodies: what our layers hand on, what they answer, and the wrappers that watch a running answer.
//!
//! | type | role |
//! |---|---|
//! | [`Body`] | the request body the inner service sees |
//! | [`ResponseBody`] | what every layer answers with |
//! | [`Tap`] | notes the end of a body exactly once |
//! | [`Gate`] | lets a [`Guard`] pass, change, hold or end a running body |
//! | [`Metered`] | innermost: re-frames to whole events and counts tokens |

mod events;
mod gate;
mod metered;
mod request;
mod response;
mod tap;

pub use self::events::*;
pub use self::gate::{Gate, Guard, Step};
pub use self::metered::{Metered, metered, metered_whole};
pub use self::request::Body;
pub use self::response::ResponseBody;
pub use self::tap::{End, Tap};

/// Any error a body of somebody else's may end in.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
