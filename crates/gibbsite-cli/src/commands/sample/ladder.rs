//! What a ladder of tempered chains says of itself.

use super::draw::LadderReport;
use crate::outcome::Outcome;
use crate::text;

/// Fields for scripts.
pub fn put(out: &mut Outcome, ladder: &LadderReport) {
    let finite = |v: f64| Some(v).filter(|v| v.is_finite());
    out.put("betas", ladder.betas.clone());
    out.put("rejection", ladder.rejection.iter().map(|r| finite(*r)).collect::<Vec<_>>());
    out.put("barrier", finite(ladder.barrier));
    out.put("n_round_trips", ladder.n_round_trips).put("n_round_trips_expected", finite(ladder.n_round_trips_expected));
    out.put("ladder_verdict", ladder.verdict.to_string());
    if let Some((log_z, std_err)) = ladder.log_z {
        out.put("log_z", finite(log_z)).put("log_z_std_err", finite(std_err));
    }
}

/// Lines for people.
pub fn lines(ladder: &LadderReport) -> Vec<(&'static str, String)> {
    let (least, most) =
        ladder.rejection.iter().fold((f64::INFINITY, 0.0f64), |(low, high), r| (low.min(*r), high.max(*r)));
    let steps = |values: &[f64]| {
        let shown: Vec<String> = values.iter().map(|v| text::digits(*v, 2)).collect();
        match shown.len() {
            ..=12 => shown.join(" "),
            n => format!("{} ... {}", shown[..7].join(" "), shown[n - 4..].join(" ")),
        }
    };
    let mut lines = vec![
        (
            "ladder",
            format!(
                "{} levels, {} to {} of the swaps rejected, barrier {}",
                ladder.betas.len(),
                text::percent(least),
                text::percent(most),
                text::digits(ladder.barrier, 3)
            ),
        ),
        ("betas", steps(&ladder.betas)),
        ("rejected", steps(&ladder.rejection)),
        (
            "round trips",
            format!(
                "{} of {} that levels which forget between swaps would make",
                text::count(ladder.n_round_trips),
                text::count(ladder.n_round_trips_expected.round() as u64)
            ),
        ),
    ];
    if let Some((log_z, std_err)) = ladder.log_z {
        lines.push(("log Z", format!("{}, along the ladder", text::with_error_short(log_z, std_err))));
    }
    lines
}
