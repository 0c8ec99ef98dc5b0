//! What is said in one call: Bedrock limits the characters.

/// How many characters of a piece stand in the next one, too: a value at the border is whole in one of both.
const OVERLAP: usize = 200;

/// How many texts one call has at most.
const BLOCKS: usize = 100;

/// The contents of the calls it takes to show all of `texts`, each of at most `most` characters.
pub(super) fn calls<'t>(texts: &[&'t str], most: usize) -> Vec<Vec<&'t str>> {
    let mut calls: Vec<Vec<&str>> = Vec::new();
    let mut room = 0;
    for piece in texts.iter().flat_map(|text| pieces(text, most)) {
        let characters = piece.chars().count();
        match calls.last_mut().filter(|call| characters <= room && call.len() < BLOCKS) {
            Some(call) => call.push(piece),
            None => {
                calls.push(vec![piece]);
                room = most;
            }
        }
        room = room.saturating_sub(characters);
    }
    calls
}

/// `text` in pieces of at most `most` characters, cut between words if there are any.
fn pieces(text: &str, most: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((limit, _)) = rest.char_indices().nth(most) {
        let (room, _) = rest.split_at(limit);
        let end = room.rfind(char::is_whitespace).filter(|end| *end > limit / 2).unwrap_or(limit);
        let (piece, _) = rest.split_at(end);
        pieces.push(piece);
        let start = last(piece, OVERLAP.min(most / 4));
        let (_, again) = rest.split_at(start);
        let word = again.find(char::is_whitespace).filter(|at| start + at < end).unwrap_or(0);
        rest = again.split_at(word).1;
    }
    pieces.push(rest);
    pieces
}

/// Where the last `count` characters of `text` begin.
fn last(text: &str, count: usize) -> usize {
    text.char_indices().rev().nth(count.saturating_sub(1)).map_or(0, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_at_a_border_is_whole_in_one_of_the_pieces() {
        let words: String = (0..2000).map(|n| format!("wört{n} ")).collect();
        let pieces = pieces(&words, 1000);
        assert!(pieces.len() > 10);
        assert!(pieces.iter().all(|piece| piece.chars().count() <= 1000));
        for n in 0..1999 {
            let value = format!("wört{n} wört{} ", n + 1);
            assert!(pieces.iter().any(|piece| format!("{piece} ").contains(&value)), "{value}");
        }
    }

    #[test]
    fn a_text_without_spaces_is_cut_all_the_same() {
        let text = "é".repeat(10_000);
        let pieces = pieces(&text, 1000);
        assert!(pieces.iter().all(|piece| piece.chars().count() <= 1000));
        assert!(pieces.iter().map(|piece| piece.len()).sum::<usize>() >= text.len());
        assert!(pieces.len() < 20);
    }

    #[test]
    fn short_texts_share_a_call() {
        let long = "x".repeat(900);
        assert_eq!(calls(&["a", "b", &long, "c"], 1000).len(), 1);
        assert_eq!(calls(&[&long, &long, "c"], 1000), [vec![&*long], vec![&*long, "c"]]);
        assert_eq!(calls(&["x"; 250], 1000).len(), 3);
    }
}
