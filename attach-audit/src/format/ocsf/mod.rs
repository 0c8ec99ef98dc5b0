//! OCSF 1.8.0: the class of each record, and its members.
//!
//! Member names, requirements and enumerations are those of the schema's `events/`, `objects/` and `profiles/`
//! (<https://github.com/ocsf/ocsf-schema/tree/1.8.0>).

mod class;
mod event;
mod objects;
mod people;
mod unmapped;

pub(super) use self::event::Event;
