// SPDX-License-Identifier: GPL-2.0

//! Where the commands of a document run.

use std::fmt;

/// A scene, as a mark in a document names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// This clone; what runs there leaves it as it was
    Clone,
    /// A folder with the pristine kernel tree `linux` and the clone `freepte`
    Tree,
    /// freepte's kernel, as root
    Guest,
}

impl Scene {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Clone, Self::Tree, Self::Guest];

    /// The name in a mark.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clone => "clone",
            Self::Tree => "tree",
            Self::Guest => "guest",
        }
    }

    /// The scene of a name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scene| scene.name() == name)
    }
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
