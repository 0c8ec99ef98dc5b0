//! The Elastic Common Schema, 9.2: field names and categorisation as in `schemas/` of
//! <https://github.com/elastic/ecs/tree/v9.2.0>. What ECS has no field for is under `attach`.

mod document;
mod event;
mod fields;
mod own;

pub(super) use self::document::Document;
