//! Names of people: by the words around them, and by lists of given and family names.
//!
//! Best effort: a name that is in no list and has no cue beside it is not found. Not looked for in code. What makes the
//! score of a finding:
//!
//! | score | what was found |
//! |---|---|
//! | 0.9 | a listed name after a title, a salutation or "my name is" |
//! | 0.85 | a listed given name and a family name |
//! | 0.75 | an unlisted word after a title, a salutation, "my name is" or in a form's field |
//! | 0.7 | a given name and an unlisted word; a given name that is a common word as well, and a family name |
//! | 0.65 | a listed name where a person is spoken of: "his wife", "…" said |
//! | 0.6 | an unlisted word and a family name; two listed names in capitals; a name in lower case after "name is" |
//! | 0.55 | an unlisted word where a person is spoken of |
//! | 0.5 | a given name alone; a name that is a common word, after "thanks" or the like; one in a row of given names |
//! | 0.45 | a family name alone |
//! | 0.4 | a word that ends as family names do, within a sentence |
//!
//! A cue beside a listed name adds 0.15, a short number behind it takes 0.35: streets are named after people. Two family
//! names with a hyphen and nothing else have 0.35: so are firms.

use crate::budget::SEARCH;
use crate::engine::Hits;
use crate::{Entity, Finding};

mod breaks;
mod cue;
mod ending;
mod fold;
mod judge;
mod lexicon;
mod lower;
mod series;
#[cfg(test)]
mod tests;
mod token;
mod words;

use self::judge::Around;
use self::lexicon::Lexicon;
use self::token::{Row, Token};

#[derive(Debug)]
pub(crate) struct Names {
    lexicon: &'static Lexicon,
    /// Whether being in a list is enough, without a cue.
    listed: bool,
}

impl Names {
    pub(crate) fn new(listed: bool) -> Self {
        Self { lexicon: Lexicon::shared(), listed }
    }

    /// Looks at all of the text, for what the engine's pass has to find as well.
    #[cfg(test)]
    pub(crate) fn scan(&self, hits: &mut Hits<'_>) {
        let mut at = 0;
        while let Some(start) = token::next_capital(hits.text, at) {
            at = self.at(hits, start);
        }
        if at == 0 {
            self.scan_uncapitalised(hits);
        }
    }

    /// Looks at the row of capitalised words that begins at `start`; gives where it ends, after `start`.
    pub(crate) fn at(&self, hits: &mut Hits<'_>, start: usize) -> usize {
        let text = hits.text;
        let breaks = self.lexicon.breaks();
        if let Some(end) = breaks.word_at(text, start).or_else(|| token::in_code(text, start)) {
            return end;
        }
        if hits.is_late_after(SEARCH / 4) {
            return text.len();
        }
        let first = token::token(text, start, self.lexicon);
        if first.is_break() || hits.is_code(start) {
            return first.reach();
        }
        let row = Row::read(text, first, self.lexicon);
        if self.listed
            && let Some(read) = series::read(hits, &row, self.lexicon)
        {
            if !read.settled {
                for start in read.starts() {
                    let first = token::token(text, start, self.lexicon);
                    self.judge(hits, &Row::read(text, first, self.lexicon));
                }
            }
            return read.end;
        }
        self.judge(hits, &row);
        row.tokens().last().map_or(start + 1, Token::reach)
    }

    fn judge(&self, hits: &mut Hits<'_>, row: &Row) {
        let (Some(first), Some(last)) = (row.tokens().first(), row.tokens().last()) else { return };
        let before = cue::before(hits.text, first.range.start, self.lexicon);
        let after = cue::after(hits.text, last.reach(), last.owns > 0, before.starts, self.lexicon);
        if let Some((range, score)) = judge::judge(hits.text, row, Around { before, after }, self.listed)
            && !judge::is_data(hits.text, range.start)
        {
            hits.push(Finding::new(range, Entity::Person, score));
        }
    }

    /// Looks through a text without any capital.
    pub(crate) fn scan_uncapitalised(&self, hits: &mut Hits<'_>) {
        if self.listed {
            lower::scan(hits, self.lexicon);
        }
    }

    /// A name in lower case after "name is" at `start`: only if it is in a list.
    pub(crate) fn scan_lower(&self, hits: &mut Hits<'_>, start: usize) {
        lower::introduced(hits, self.lexicon, start);
    }

    /// Whether `word` may be taken for the same person elsewhere.
    pub(crate) fn is_telling(&self, word: &str) -> bool {
        let known = self.lexicon.look_up(word);
        let weak = known.is_known() && !known.is_given() && !known.is_family();
        word.chars().count() >= 3 && word.starts_with(char::is_uppercase) && !known.is_stop() && !weak
    }
}
