//! Texts as their readers read them, for inspectors.

use super::ask::{Inspector, Seen, ask};
use crate::engine::{Readings, Reads};
use crate::{Fault, Finding};

/// Asks all `inspectors` about `texts`, and about what those with escapes in them are to who reads them; what is found is
/// where it is written.
pub(crate) async fn ask_readers(
    inspectors: &[Inspector],
    texts: &[(impl AsRef<str>, Reads)],
) -> Result<Seen, Fault> {
    let readings: Vec<_> = texts.iter().map(|(text, reads)| Readings::of(text.as_ref(), *reads)).collect();
    let mut asked: Vec<&str> = texts.iter().map(|(text, _)| text.as_ref()).collect();
    for readings in readings.iter().flatten() {
        asked.extend(readings.texts());
    }
    let Seen { findings, refusals, refused_by, partial } = ask(inspectors, &asked).await?;
    let mut findings = findings.into_iter();
    let mut all: Vec<Vec<Finding>> = findings.by_ref().take(texts.len()).collect();
    for (written, readings) in all.iter_mut().zip(&readings) {
        let Some(readings) = readings else { continue };
        let mut opened = Vec::new();
        for (index, found) in findings.by_ref().take(readings.texts().count()).enumerate() {
            opened.extend(
                found
                    .into_iter()
                    .map(|finding| Finding { range: readings.written(index, &finding.range), ..finding }),
            );
        }
        *written = readings.union(std::mem::take(written), opened);
    }
    Ok(Seen { findings: all, refusals, refused_by, partial })
}
