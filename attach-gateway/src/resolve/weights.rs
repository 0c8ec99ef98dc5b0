use sha2::{Digest, Sha256};

/// Puts `targets` in the order in which one exchange, with this `id`, asks them.
///
/// Those with a weight come first, in an order drawn by their weights: each is first as often as its share says, and
/// where it may not be used or fails, the others share its load in the same proportion (Efraimidis and Spirakis,
/// weighted random sampling, 2006). Those without come last, as they stand in the list. The same exchange always draws
/// the same; nothing is remembered from one to the next.
pub(super) fn order<T>(targets: &mut [T], id: &[u8], weight: impl Fn(&T) -> u32) {
    if !targets.iter().any(|target| weight(target) > 0) {
        return;
    }
    let mut seed = seed(id);
    targets.sort_by_cached_key(|target| match weight(target) {
        0 => u64::MAX,
        weight => time(next(&mut seed), weight),
    });
}

/// The same order for every call of one session, each target drawn by itself: where one goes, only its sessions go to
/// others, and where a weight changes, only as many as that share is of (weighted rendezvous hashing: Thaler and
/// Ravishankar, Using name-based mappings to increase hit rates, 1998; Schindelhauer and Schomaker, Weighted distributed
/// hash tables, 2005).
pub(super) fn order_by<T>(targets: &mut [T], weight: impl Fn(&T) -> u32, draw: impl Fn(&T) -> u64) {
    targets.sort_by_cached_key(|target| match weight(target) {
        0 => u64::MAX,
        weight => time(draw(target), weight),
    });
}

/// The time to a first event at the rate `weight`, as a number in the same order.
fn time(drawn: u64, weight: u32) -> u64 {
    // From 0 up to and without 1, as 53 bits are exact.
    let drawn = (drawn >> 11) as f64 / (1_u64 << 53) as f64;
    let time = -(1.0 - drawn).ln() / f64::from(weight);
    // Bits of numbers that are not negative are in their order.
    time.to_bits()
}

/// An id in which the time comes first is no number drawn by chance; its digest is.
fn seed(id: &[u8]) -> u64 {
    let digest: [u8; 32] = Sha256::digest(id).into();
    digest.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(n: u32, weights: &[u32]) -> Vec<usize> {
        let mut targets: Vec<usize> = (0..weights.len()).collect();
        order(&mut targets, &n.to_be_bytes(), |target| weights[*target]);
        targets
    }

    #[test]
    fn each_is_first_as_often_as_its_weight_says() {
        let first = (0..10_000).filter(|n| drawn(*n, &[9, 1])[0] == 0).count();
        assert!((8_900..9_100).contains(&first), "{first}");
    }

    #[test]
    fn who_takes_the_place_of_one_that_is_left_out_is_drawn_by_weight_too() {
        let without = |n| drawn(n, &[6, 3, 1]).into_iter().find(|target| *target != 0);
        let second = (0..10_000).filter(|n| without(*n) == Some(1)).count();
        assert!((7_300..7_700).contains(&second), "{second}");
    }

    #[test]
    fn those_without_a_weight_come_last_in_their_order() {
        for n in 0..100 {
            assert_eq!(drawn(n, &[0, 5, 0, 5])[2..], [0, 2]);
            assert_eq!(drawn(n, &[0, 0, 0]), [0, 1, 2]);
            assert_eq!(drawn(n, &[1, 2, 3]), drawn(n, &[1, 2, 3]));
        }
    }
}
