//! Characters that read as one of ASCII wherever they stand, or aren't seen at all.

use std::sync::OnceLock;

use crate::engine::charset::CharSet;

/// The digits zero of the scripts that have nine more after them (Unicode, general category Nd), in order.
const ZEROS: [u32; 60] = [
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50, 0xED0,
    0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50,
    0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136,
    0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50,
    0x11DA0, 0x11F50, 0x16A60, 0x16AC0, 0x16B50, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0,
];

/// What a character reads as: a byte of ASCII, or nothing that is seen; `None` if it reads as itself.
pub(super) fn plain(c: char) -> Option<Option<u8>> {
    match c {
        '\0'..='\u{7F}' => None,
        c if is_unseen(c) => Some(None),
        c => sign(c).or_else(|| digit(c)).or_else(|| letter(c)).map(Some),
    }
}

/// Controls, soft hyphen, joiners, marks of direction, invisible operators, variation selectors, tags; marks that are
/// drawn over the character before.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{84}' | '\u{86}'..='\u{9F}' | '\u{AD}' | '\u{300}'..='\u{36F}' | '\u{61C}'
        | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{20D0}'..='\u{20FF}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FE20}'..='\u{FE2F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

fn sign(c: char) -> Option<u8> {
    Some(match c {
        '\u{85}' | '\u{2028}' | '\u{2029}' => b'\n',
        '\u{A0}'
        | '\u{115F}'
        | '\u{1160}'
        | '\u{1680}'
        | '\u{2000}'..='\u{200A}'
        | '\u{202F}'
        | '\u{205F}'
        | '\u{2800}'
        | '\u{3000}'
        | '\u{3164}'
        | '\u{FFA0}' => b' ',
        '\u{2D7}'
        | '\u{58A}'
        | '\u{5BE}'
        | '\u{1806}'
        | '\u{2010}'..='\u{2015}'
        | '\u{2043}'
        | '\u{207B}'
        | '\u{208B}'
        | '\u{2212}'
        | '\u{2796}'
        | '\u{2E17}'
        | '\u{2E1A}'
        | '\u{2E3A}'
        | '\u{2E3B}'
        | '\u{2E40}'
        | '\u{FE31}'
        | '\u{FE32}'
        | '\u{FE58}'
        | '\u{FE63}' => b'-',
        '\u{B7}' | '\u{6D4}' | '\u{2024}' | '\u{2027}' | '\u{2219}' | '\u{22C5}' | '\u{3002}'
        | '\u{A4F8}' | '\u{FE52}' | '\u{FF61}' => b'.',
        '\u{FE6B}' => b'@',
        '\u{2044}' | '\u{2215}' | '\u{29F8}' => b'/',
        '\u{2236}' | '\u{A789}' | '\u{FE13}' | '\u{FE55}' => b':',
        '\u{207A}' | '\u{208A}' | '\u{2795}' | '\u{FE62}' => b'+',
        '\u{207D}' | '\u{208D}' | '\u{FE59}' => b'(',
        '\u{207E}' | '\u{208E}' | '\u{FE5A}' => b')',
        '\u{FE4D}'..='\u{FE4F}' => b'_',
        '\u{66A}' | '\u{FE6A}' => b'%',
        '\u{FE66}' => b'=',
        // Full-width forms of ASCII.
        '\u{FF01}'..='\u{FF5E}' => (c as u32 - 0xFEE0) as u8,
        _ => return None,
    })
}

fn digit(c: char) -> Option<u8> {
    let c = c as u32;
    let of = |zero: u32| Some(b'0' + (c.checked_sub(zero)? % 10) as u8);
    match c {
        0xB2 | 0xB3 => of(0xB0),
        0xB9 => Some(b'1'),
        0x2070 | 0x2074..=0x2079 => of(0x2070),
        0x2080..=0x2089 => of(0x2080),
        // Circled, in brackets, with a dot, white on black.
        0x2460..=0x2468 => of(0x245F),
        0x2474..=0x247C => of(0x2473),
        0x2488..=0x2490 => of(0x2487),
        0x24EA | 0x24FF | 0x1F10B | 0x1F10C | 0x1F100 => Some(b'0'),
        0x24F5..=0x24FD => of(0x24F4),
        0x2776..=0x277E => of(0x2775),
        0x2780..=0x2788 => of(0x277F),
        0x278A..=0x2792 => of(0x2789),
        0x1F101..=0x1F10A => of(0x1F101),
        // Mathematical digits: five alphabets in a row.
        0x1D7CE..=0x1D7FF => of(0x1D7CE),
        _ => {
            let zero = ZEROS.get(ZEROS.partition_point(|zero| *zero <= c).checked_sub(1)?)?;
            of(*zero).filter(|_| c - zero < 10)
        }
    }
}

fn letter(c: char) -> Option<u8> {
    let of = |first: char, a: u8| u8::try_from(c as u32 - first as u32).ok().map(|offset| a + offset % 26);
    match c {
        // Mathematical alphabets: thirteen of 52 letters in a row; those that were there before are elsewhere.
        '\u{1D400}'..='\u{1D6A3}' => {
            let offset = ((c as u32 - 0x1D400) % 52) as u8;
            Some(if offset < 26 { b'A' + offset } else { b'a' + offset - 26 })
        }
        // In brackets, circled, squared.
        '\u{249C}'..='\u{24B5}' => of('\u{249C}', b'a'),
        '\u{24B6}'..='\u{24CF}' => of('\u{24B6}', b'A'),
        '\u{24D0}'..='\u{24E9}' => of('\u{24D0}', b'a'),
        '\u{1F110}'..='\u{1F129}' => of('\u{1F110}', b'A'),
        '\u{1F130}'..='\u{1F149}' => of('\u{1F130}', b'A'),
        '\u{1F150}'..='\u{1F169}' => of('\u{1F150}', b'A'),
        '\u{1F170}'..='\u{1F189}' => of('\u{1F170}', b'A'),
        '\u{2100}'..='\u{2149}' => letter_like(c),
        _ => None,
    }
}

/// Letters that mathematics had before its alphabets (block Letterlike Symbols).
fn letter_like(c: char) -> Option<u8> {
    Some(match c {
        'ℬ' => b'B',
        'ℂ' | 'ℭ' => b'C',
        'ℰ' => b'E',
        'ℱ' => b'F',
        'ℋ' | 'ℌ' | 'ℍ' => b'H',
        'ℐ' | 'ℑ' => b'I',
        '\u{212A}' => b'K',
        'ℒ' => b'L',
        'ℳ' => b'M',
        'ℕ' => b'N',
        'ℙ' => b'P',
        'ℚ' => b'Q',
        'ℛ' | 'ℜ' | 'ℝ' => b'R',
        'ℤ' | 'ℨ' => b'Z',
        'ⅆ' => b'd',
        'ℯ' | 'ⅇ' => b'e',
        'ℊ' => b'g',
        'ℎ' => b'h',
        'ⅈ' | 'ℹ' => b'i',
        'ⅉ' => b'j',
        'ℓ' => b'l',
        'ℴ' => b'o',
        _ => return None,
    })
}

/// The characters that read as others.
pub(super) fn folded() -> &'static CharSet {
    static FOLDED: OnceLock<CharSet> = OnceLock::new();
    FOLDED.get_or_init(|| CharSet::new(|c| plain(c).is_some()))
}
