/// How much a directory may provision.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct ScimLimits {
    pub(super) users: usize,
    pub(super) groups: usize,
    pub(super) members: usize,
}

impl ScimLimits {
    /// Replaces the most users of one directory; 100,000 unless set. Users who were disabled count.
    pub fn users(mut self, users: usize) -> Self {
        self.users = users;
        self
    }

    /// Replaces the most groups of one directory; 10,000 unless set.
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    /// Replaces the most members of one group; 10,000 unless set.
    pub fn members(mut self, members: usize) -> Self {
        self.members = members;
        self
    }
}

impl Default for ScimLimits {
    fn default() -> Self {
        Self { users: 100_000, groups: 10_000, members: 10_000 }
    }
}
