use super::*;
use crate::energy::formula::Formula;

const FAR: &str = "-logsumexp(log(0.3) - ((x1+6)^2 + x2^2 + x3^2)/2, log(0.7) - ((x1-6)^2 + x2^2 + x3^2)/2)";
const ONE: &str = "(x1^2 + x2^2/9 + x3^2)/2";

fn options() -> AutoOptions {
    AutoOptions { n_chains: 16, n_draws: 60, n_warmup: Some(100), seed: 3, ..AutoOptions::default() }
}

#[test]
fn one_mode_goes_on_and_far_modes_are_tempered() {
    let run = auto(&Formula::parse(ONE).unwrap(), &options(), &|_| {}).unwrap();
    assert!(run.choice.agrees && matches!(run.drawn, Drawn::Nuts(_)));
    assert_eq!((run.choice.n_pilot, run.draws().n_chains(), run.draws().n_draws()), (32, 16, 60));
    assert!(run.choice.to_string().starts_with("32 pilot chains of nuts agree, R-hat at most 1.0"), "{}", run.choice);
    let run = auto(&Formula::parse(FAR).unwrap(), &options(), &|_| {}).unwrap();
    assert!(!run.choice.agrees && matches!(run.drawn, Drawn::Tempering(_)));
    assert_eq!((run.choice.worst, run.choice.n_wells, run.wells.len()), (Quantity::Coordinate(0), 2, 2));
    let words = run.choice.in_words(&["a".into()]);
    assert!(
        words.starts_with("32 pilot chains of nuts disagree, R-hat of a is ") && words.ends_with("; 2 wells"),
        "{words}"
    );
}

/// In another process: only the bytes of the state go from one to the next.
#[test]
fn pieces_are_the_whole_to_the_bit() {
    for text in [ONE, FAR] {
        let (energy, options) = (Formula::parse(text).unwrap(), options());
        let whole = auto(&energy, &options, &|_| {}).unwrap();
        let mut saved: Option<Vec<u8>> = None;
        let mut values = vec![Vec::new(); options.n_chains];
        for n in [17, 43] {
            let (sampler, state) = match &saved {
                None => {
                    let piloted = choose(&energy, &options, &|_| {}).unwrap();
                    (piloted.warm_up(&energy, &options, &|_| {}).unwrap(), None)
                }
                Some(bytes) => {
                    let saved = Saved::from_bytes(bytes).unwrap();
                    (Sampler::restore(&energy, &options, &saved).unwrap(), Some(saved))
                }
            };
            let mut session = sampler.session(&energy, &options).unwrap();
            if let Some(state) = &state {
                session.go_on(&energy, &options, state).unwrap();
                assert_eq!(session.n_done(), 17);
            }
            let piece = session.draw(n, &|_| {}).unwrap();
            let rows = piece.values().chunks_exact(n * 3);
            values.iter_mut().zip(rows).for_each(|(chain, rows)| chain.extend_from_slice(rows));
            saved = Some(session.save().to_bytes().unwrap());
        }
        assert_eq!(values.concat(), whole.draws().values(), "{text}");
    }
}

#[test]
fn what_cannot_be_run_or_resumed_is_refused() {
    let energy = Formula::parse(ONE).unwrap();
    let error = auto(&energy, &AutoOptions { n_chains: 0, ..options() }, &|_| {}).unwrap_err();
    assert_eq!(error, RunError::Option { option: "the number of chains", value: 0, minimum: 1 });
    assert!(matches!(auto(&energy, &AutoOptions { n_draws: 0, ..options() }, &|_| {}), Err(RunError::Option { .. })));
    assert!(Sampler::restore(&energy, &options(), &Saved::default()).is_err());
}
