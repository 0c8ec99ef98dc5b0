//! Australia.

use super::{Rule, Verdict, check};
use crate::Entity;

pub(super) const RULES: &[Rule] = &[
    // Australian Taxation Office, "Tax file number": nine digits, modulus 11.
    Rule {
        entity: Entity::AuTfn,
        pattern: number!(r"[0-9]{3}[ \-]?[0-9]{3}[ \-]?[0-9]{3}"),
        digits: 9,
        check: tfn,
        form: 0.0,
        checked: 0.35,
        words: &["tfn", "tfns", "tax file number", "tax file no"],
    },
    // Australian Business Register, "Format of the ABN": eleven digits, modulus 89.
    Rule {
        entity: Entity::AuAbn,
        pattern: number!(r"[0-9]{2}[ \-]?[0-9]{3}[ \-]?[0-9]{3}[ \-]?[0-9]{3}"),
        digits: 11,
        check: abn,
        form: 0.0,
        checked: 0.35,
        words: &["abn", "abns", "australian business number", "australian business register"],
    },
    // Australian Securities and Investments Commission, "Australian Company Number digit check": nine digits, the
    // complement to ten of a weighted sum.
    Rule {
        entity: Entity::AuAcn,
        pattern: number!(r"[0-9]{3}[ \-]?[0-9]{3}[ \-]?[0-9]{3}"),
        digits: 9,
        check: acn,
        form: 0.0,
        checked: 1.0,
        words: &["acn", "australian company number"],
    },
    // Australian Institute of Health and Welfare, METeOR 270101, "Medicare card number": eight digits, their check digit,
    // the card's issue; the person's own number on the card may follow.
    Rule {
        entity: Entity::AuMedicare,
        pattern: number!(r"[2-6][0-9]{3}[ \-]?[0-9]{5}[ \-]?[0-9](?:[ /\-][1-9])?"),
        digits: 10,
        check: medicare,
        form: 0.0,
        checked: 1.0,
        words: &["medicare"],
    },
];

fn tfn(written: &str) -> Verdict {
    let digits = check::digits(written);
    let sum = check::weighted(&digits, &[1, 4, 3, 7, 5, 8, 6, 9, 10]);
    (sum.is_multiple_of(11) && !check::is_one_digit(&digits)).into()
}

fn abn(written: &str) -> Verdict {
    let digits = check::digits(written);
    let sum = check::weighted(&digits, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    // The first digit counts one less; none begins with a zero.
    let leads = digits.first().is_some_and(|first| *first > 0);
    (leads && (sum - 10).is_multiple_of(89)).into()
}

fn acn(written: &str) -> Verdict {
    let digits = check::digits(written);
    let sum = check::weighted(&digits, &[8, 7, 6, 5, 4, 3, 2, 1]);
    (digits.last() == Some(&((10 - sum % 10) % 10)) && !check::is_one_digit(&digits)).into()
}

fn medicare(written: &str) -> Verdict {
    let digits = check::digits(written);
    let sum = check::weighted(&digits, &[1, 3, 7, 9, 1, 3, 7, 9]);
    (digits.get(8) == Some(&(sum % 10))).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Checked, No};

    #[test]
    fn the_agencies_own_examples_hold() {
        // ATO developer guide; ABR "Format of the ABN"; ASIC's list of sample numbers; METeOR's example.
        assert_eq!((tfn("123 456 782"), tfn("123 456 783")), (Checked, No));
        assert_eq!((abn("51 824 753 556"), abn("52 824 753 556")), (Checked, No));
        assert_eq!((acn("004 085 616"), acn("000 000 019"), acn("010 499 966")), (Checked, Checked, Checked));
        assert_eq!((acn("004 085 617"), acn("000 000 000")), (No, No));
        assert_eq!((medicare("2123 45670 1"), medicare("2123 45671 1")), (Checked, No));
    }
}
