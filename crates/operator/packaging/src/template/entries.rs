//! The entries of a template: the parameters, conditions, resources and so on, each with its text.

use std::fmt;

/// Where an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Between the sections, or in a section that is kept as it is.
    Elsewhere,
    /// In the section of this name.
    Section(String),
    /// A group of parameters in the console's form.
    Form,
}

/// An entry, or other text.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) place: Place,
    /// Empty for other text.
    pub(super) name: String,
    /// Its lines, each with its end, and the comments and blank lines before it.
    pub(super) text: String,
}

impl Entry {
    pub(super) fn new(section: &str, name: &str, text: String) -> Self {
        Self { place: Place::Section(section.to_owned()), name: name.to_owned(), text }
    }

    /// The same without the comments and blank lines before it.
    pub(super) fn bare(self) -> Self {
        let is_before = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with('#');
        let text = self.text.split_inclusive('\n').skip_while(is_before).collect();
        Self { text, ..self }
    }
}

/// All entries of a template, in their order.
pub(super) struct Entries(Vec<Entry>);

/// The sections whose entries are read.
const SECTIONS: [&str; 5] = ["Parameters", "Rules", "Conditions", "Resources", "Outputs"];

impl Entries {
    /// Reads a template in which every entry of a section is indented by two spaces.
    pub(super) fn read(text: &str) -> Self {
        let mut entries: Vec<Entry> = vec![];
        let mut section = String::new();
        // Comments and blank lines belong to what comes after them.
        let mut before = String::new();
        for line in text.split_inclusive('\n') {
            if line.trim().is_empty() || line.trim_start().starts_with('#') {
                before += line;
                continue;
            }
            let indent = line.len() - line.trim_start().len();
            let key = line.trim().split(':').next().unwrap_or_default();
            if indent == 0 {
                section = key.to_owned();
            }
            let is_section = SECTIONS.contains(&section.as_str());
            let begins = match indent {
                0 => Some((Place::Elsewhere, "")),
                2 if is_section => Some((Place::Section(section.clone()), key)),
                6 if section == "Metadata" && line.trim_start().starts_with("- Label:") => {
                    Some((Place::Form, line.trim()))
                }
                _ => None,
            };
            let text = std::mem::take(&mut before) + line;
            match (begins, entries.last_mut()) {
                (None, Some(entry)) => entry.text += &text,
                (begins, _) => {
                    let (place, name) = begins.unwrap_or((Place::Elsewhere, ""));
                    entries.push(Entry { place, name: name.to_owned(), text });
                }
            }
        }
        Self(entries)
    }

    /// Replaces each entry by what `new` returns, or removes it.
    pub(super) fn replace(&mut self, new: impl Fn(Entry) -> Option<Entry>) {
        self.0 = std::mem::take(&mut self.0).into_iter().filter_map(new).collect();
    }

    /// Adds entries at the ends of their sections.
    ///
    /// # Errors
    /// The name of the first that is there already.
    pub(super) fn extend(&mut self, new: impl IntoIterator<Item = Entry>) -> Result<(), String> {
        for entry in new {
            if self.names(&entry.place).any(|name| name == entry.name) {
                return Err(entry.name);
            }
            let last = self.0.iter().rposition(|other| other.place == entry.place);
            // The line with the section's name has no place of its own.
            let head = self.0.iter().position(|other| other.is_head_of(&entry.place));
            let at = last.or(head).map_or(self.0.len(), |at| at + 1);
            self.0.insert(at, entry);
        }
        Ok(())
    }

    /// The names of the entries of a place.
    pub(super) fn names(&self, place: &Place) -> impl Iterator<Item = &str> {
        let of_place = self.0.iter().filter(move |entry| entry.place == *place);
        of_place.map(|entry| entry.name.as_str())
    }

    /// All entries.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter()
    }
}

impl Entry {
    fn is_head_of(&self, place: &Place) -> bool {
        let Place::Section(section) = place else { return false };
        self.place == Place::Elsewhere
            && self.text.lines().any(|line| line == format!("{section}:"))
    }
}

impl fmt::Display for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|entry| f.write_str(&entry.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "\
# Head.
Description: >-
  Two: lines.

Metadata:
  AWS::X:
    ParameterGroups:
      - Label: { default: A }
        Parameters:
          - One
      - Label: { default: B }
        Parameters: [Two]

Parameters:
  # About one.
  One:
    Type: String

  Two: { Type: String }

# About the rest.
Resources:
  Three:
    Type: X
";

    #[test]
    fn a_template_is_its_entries() {
        let mut entries = Entries::read(TEMPLATE);
        assert_eq!(entries.to_string(), TEMPLATE);
        let of = |section: &str| Place::Section(section.to_owned());
        assert!(entries.names(&of("Parameters")).eq(["One", "Two"]));
        assert_eq!(entries.names(&Place::Form).count(), 2);
        let one = entries.iter().find(|entry| entry.name == "One").unwrap();
        assert_eq!(one.text, "  # About one.\n  One:\n    Type: String\n");
        assert_eq!(one.clone().bare().text, "  One:\n    Type: String\n");

        let new = |name: &str| Entry::new("Parameters", name, format!("  {name}: {{}}\n"));
        entries.extend([new("New")]).unwrap();
        entries.replace(|entry| (entry.name != "One").then_some(entry));
        let text = entries.to_string();
        assert!(text.contains("\nParameters:\n\n  Two: { Type: String }\n  New: {}\n"), "{text}");
        assert!(text.contains("  New: {}\n\n# About the rest.\nResources:\n"), "{text}");
        assert_eq!(entries.extend([new("Two")]), Err("Two".to_owned()));
        entries.replace(|entry| (entry.place != of("Parameters")).then_some(entry));
        entries.extend([new("New")]).unwrap();
        assert!(entries.to_string().contains("\nParameters:\n  New: {}\n"), "{entries}");
    }
}
