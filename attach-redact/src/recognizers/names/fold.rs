//! A word in the form it is looked up by: lower case, without accents.

/// The longest word that is looked up, in bytes.
pub(super) const LONGEST: usize = 40;

/// A folded word and its hash: Fowler, Noll and Vo's 1a, whose keys are ours, so nobody can make them collide.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folded<'a> {
    pub(super) text: &'a str,
    pub(super) hash: u32,
}

/// `word` in lower case, Latin letters without accents; nothing if it is too long for a word, or if its first letter
/// outside ASCII is of another script: all lists are of Latin letters.
pub(super) fn fold<'a>(word: &str, buffer: &'a mut [u8; LONGEST]) -> Option<Folded<'a>> {
    let mut length = 0;
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    let mut put = |byte: u8| {
        *buffer.get_mut(length)? = byte;
        length += 1;
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        Some(())
    };
    let bytes = word.as_bytes();
    let ascii = bytes.iter().take_while(|byte| byte.is_ascii()).count();
    for byte in bytes.iter().take(ascii) {
        put(byte.to_ascii_lowercase())?;
    }
    if bytes.get(ascii).is_some_and(|lead| matches!(lead, 0xCE..=0xDF | 0xE3..)) {
        return None;
    }
    for letter in word.get(ascii..)?.chars() {
        if letter.is_ascii() {
            put(letter.to_ascii_lowercase() as u8)?;
            continue;
        }
        for lower in letter.to_lowercase() {
            match plain(lower) {
                Some(plain) => plain.bytes().try_for_each(&mut put)?,
                None => lower.encode_utf8(&mut [0; 4]).bytes().try_for_each(&mut put)?,
            }
        }
    }
    let text = std::str::from_utf8(buffer.get(..length)?).ok()?;
    Some(Folded { text, hash: (hash ^ (hash >> 32)) as u32 })
}

/// A Latin letter without its accent, as people write it who haven't the key for it.
fn plain(letter: char) -> Option<&'static str> {
    Some(match letter {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ạ'..='ặ' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' | 'ẹ'..='ệ' => "e",
        'ğ' | 'ģ' => "g",
        'ì'..='ï' | 'ī' | 'į' | 'ı' | 'ỉ'..='ị' => "i",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ő' | 'ơ' | 'ọ'..='ợ' => "o",
        'œ' => "oe",
        'ŕ' | 'ř' => "r",
        'ś' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ț' => "t",
        'þ' => "th",
        'ù'..='ü' | 'ū' | 'ů' | 'ű' | 'ų' | 'ư' | 'ụ'..='ự' => "u",
        'ý' | 'ÿ' | 'ỳ'..='ỹ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        '’' | 'ʻ' => "'",
        // What lower case leaves of the Turkish İ.
        '\u{307}' => "",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(word: &str) -> Option<String> {
        fold(word, &mut [0; LONGEST]).map(|folded| folded.text.to_owned())
    }

    #[test]
    fn accents_and_case_go_other_scripts_are_not_read() {
        assert_eq!(folded("Þórbergur").as_deref(), Some("thorbergur"));
        assert_eq!(folded("NGUYỄN").as_deref(), Some("nguyen"));
        assert_eq!(folded("Szőllősy").as_deref(), Some("szollosy"));
        assert_eq!(folded("O’Brien").as_deref(), Some("o'brien"));
        assert_eq!(folded("Анна"), None);
        assert_eq!(folded(&"x".repeat(41)), None);
    }
}
