use attach_redact::{Redactor, Scope};
const PROSE: &str = "The committee met on Thursday to discuss the proposal, and after a long debate it was agreed that nothing should be decided before the autumn. Some members felt that the figures were too optimistic; others said the risks of waiting were greater than the risks of going ahead. In the end a compromise was found, as it usually is: a small group will look at the question again and report back. Meanwhile the work goes on as before. ";
const DENSE: &str = "Zbigniew Nowak <bob.o'neil@example.org>, +49 30 901820 or (415) 555-2671, card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00, SSN 536-22-8726, from 93.184.216.34 (3c:22:fb:9a:01:7e), key AKIAQ3EGRZJTWXYZ2345, postgres://admin:hunter22@db.internal/x\n";
const SENT: &str = "Please update the account of Maria Schneider: her new e-mail address is maria.schneider@example.org and she can be reached on +49 30 901820 after six. The invoice was paid with card 4111 1111 1111 1111 last Tuesday, and the order was placed from 93.184.216.34 according to the log. Nothing else has changed since then. ";
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let (kind, what, n) = (a[1].as_str(), a[2].as_str(), a[3].parse::<usize>().unwrap());
    let base = match kind {
        "prose" => PROSE,
        "dense" => DENSE,
        _ => SENT,
    };
    let size: usize = a[4].parse().unwrap();
    let mut text = base.repeat(size / base.len() + 1);
    text.truncate(size);
    let r = Redactor::builder().key(b"0123456789abcdef").build().unwrap();
    let s = Scope::anonymous();
    let t = std::time::Instant::now();
    for _ in 0..n {
        match what {
            "find" => {
                std::hint::black_box(r.find(&text));
            }
            "none" => {}
            _ => {
                std::hint::black_box(r.redact_text(&s, &text).unwrap());
            }
        }
    }
    println!("{:.1} MB/s", (n * size) as f64 / 1e6 / t.elapsed().as_secs_f64());
}
