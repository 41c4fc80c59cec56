//! Decoding against a model whose distribution is known.

use super::jacobi::draw_by;
use super::sampling::{distribution, log_softmax};
use super::toy::{FIRST_CODE, Toy};
use super::{DrawError, DrawSettings, Drawing, Drawn, Event, PredictError, Rule, draw};
use crate::task::{Cancel, Noise, Sampling};

const LOOKAHEADS: [usize; 5] = [1, 3, 8, 16, 64];
const PROMPT: [u32; 3] = [7, 8, 9];

fn sampling(cfg: f32, top_k: usize) -> Sampling {
    Sampling {
        cfg,
        top_k,
        temperature: 1.0,
        top_n_sigma: None,
    }
}

/// Keyed noise without a score.
fn unscored(cfg: f32, top_k: usize, lookahead: usize) -> DrawSettings {
    DrawSettings {
        sampling: sampling(cfg, top_k),
        noise: Noise::Gumbel,
        lookahead,
        score: false,
    }
}

/// Header, rows closed by id 4, end id 2.
fn stream(rows: usize, columns: usize, known: &[(usize, u32)]) -> Vec<Option<u32>> {
    let mut stream = vec![Some(1), Some(11), Some(12)];
    for row in 0..rows {
        for column in 0..columns {
            let index = row * columns + column;
            let code = known.iter().find(|(at, _)| *at == index);
            stream.push(code.map(|(_, code)| FIRST_CODE + code));
        }
        stream.push(Some(4));
    }
    stream.push(Some(2));
    stream
}

fn drawing<'a>(prompt: &'a [u32], stream: &'a [Option<u32>], codes: u32, seed: u64) -> Drawing<'a> {
    Drawing {
        prompt,
        stream,
        stride: 7,
        code_ids: FIRST_CODE..FIRST_CODE + codes,
        seed,
    }
}

fn run(
    toy: &mut Toy,
    drawings: &[Drawing<'_>],
    sampling: &Sampling,
    noise: Noise,
    lookahead: usize,
) -> Vec<Drawn> {
    let cancel = Cancel::new();
    let settings = DrawSettings {
        sampling: *sampling,
        noise,
        lookahead,
        score: true,
    };
    draw(toy, drawings, &settings, &cancel, &mut |_| ()).expect("not cancelled")
}

fn unknown(stream: &[Option<u32>]) -> usize {
    stream.iter().filter(|id| id.is_none()).count()
}

/// Known codes at the start of a row, in its middle, at its end, and a whole row.
fn forced() -> Vec<Option<u32>> {
    let mut known = vec![(3, 1), (4, 2), (11, 0), (12, 3)];
    known.extend((18..24).map(|index| (index, 4)));
    known.push((35, 1));
    stream(6, 6, &known)
}

#[test]
fn gumbel_draws_are_plain_draws_for_every_lookahead() {
    for (stream, seed) in [(stream(6, 6, &[]), 1), (forced(), 2), (forced(), 3)] {
        for sampling in [sampling(1.0, 5), sampling(3.0, 3)] {
            let drawings = [drawing(&PROMPT, &stream, 5, seed)];
            let plain = run(&mut Toy::new(5), &drawings, &sampling, Noise::Gumbel, 1);
            assert_eq!(plain[0].forwards, unknown(&stream));
            for lookahead in LOOKAHEADS {
                let mut toy = Toy::new(5);
                let drawn = run(&mut toy, &drawings, &sampling, Noise::Gumbel, lookahead);
                assert_eq!(drawn[0].ids, plain[0].ids, "lookahead {lookahead}");
                assert_eq!(drawn[0].drawn, unknown(&stream));
                assert_eq!((drawn[0].score, drawn[0].log_p), (plain[0].score, plain[0].log_p));
                assert_eq!(drawn[0].forwards, toy.forwards.len());
                assert!(drawn[0].forwards <= plain[0].forwards);
                println!(
                    "lookahead {lookahead}: {} forwards of {}",
                    drawn[0].forwards, plain[0].forwards
                );
            }
        }
    }
}

#[test]
fn guesses_save_forwards_where_codes_depend_little_on_their_neighbours() {
    let stream = stream(8, 8, &[]);
    for noise in [Noise::Gumbel, Noise::Coupled] {
        let mut toy = Toy::new(5);
        toy.spread = 1.0;
        let drawings = [drawing(&PROMPT, &stream, 5, 1)];
        let drawn = run(&mut toy, &drawings, &sampling(1.0, 5), noise, 16);
        println!("{noise:?}: {} forwards of 64", drawn[0].forwards);
        assert!(drawn[0].forwards < 40, "{noise:?}: {}", drawn[0].forwards);
    }
}

#[test]
fn a_plain_draw_is_the_gumbel_draw_of_each_code() {
    let stream = forced();
    let drawn = run(
        &mut Toy::new(5),
        &[drawing(&PROMPT, &stream, 5, 9)],
        &sampling(3.0, 4),
        Noise::Gumbel,
        1,
    );
    let toy = Toy::new(5);
    let (mut ids, mut p, mut score, mut log_p) = (Vec::new(), Vec::new(), 0.0, 0.0);
    for (position, id) in stream.iter().enumerate() {
        ids.push(id.unwrap_or_else(|| {
            let c = toy.scores(&[&PROMPT, ids.as_slice()].concat());
            let u = toy.scores(&ids);
            distribution(&c, Some(&u), &sampling(3.0, 4), &mut p);
            let code = super::noise::NoiseKey::new(9, position as u64).gumbel_argmax(&p);
            score += log_softmax(&c, code as usize) - log_softmax(&u, code as usize);
            log_p += log_softmax(&c, code as usize);
            FIRST_CODE + code
        }));
    }
    assert_eq!(drawn[0].ids, ids);
    assert!((drawn[0].score.expect("asked for") - score).abs() < 1e-9);
    assert!(log_p < -1.0 && (drawn[0].log_p - log_p).abs() < 1e-9);
}

#[test]
fn candidates_drawn_together_are_those_drawn_alone() {
    let (full, forced) = (stream(6, 6, &[]), forced());
    for streams in [[&full, &full, &full], [&full, &forced, &full]] {
        for noise in [Noise::Gumbel, Noise::Coupled] {
            for lookahead in [1, 8] {
                let drawings: Vec<_> = (0..3)
                    .map(|i| drawing(&PROMPT, streams[i], 5, 40 + i as u64))
                    .collect();
                let mut toy = Toy::new(5);
                let together = run(&mut toy, &drawings, &sampling(3.0, 5), noise, lookahead);
                assert_ne!(together[0].ids, together[2].ids);
                // Both branches of the two others start from what the first one has run.
                assert_eq!(toy.forks, 4);
                for (drawing, drawn) in drawings.iter().zip(&together) {
                    let alone = run(
                        &mut Toy::new(5),
                        std::slice::from_ref(drawing),
                        &sampling(3.0, 5),
                        noise,
                        lookahead,
                    );
                    assert_eq!((&alone[0].ids, alone[0].score), (&drawn.ids, drawn.score));
                    assert_eq!(alone[0].log_p, drawn.log_p);
                }
                let most = together.iter().map(|drawn| drawn.forwards).max();
                assert_eq!(most, Some(toy.forwards.len()));
            }
        }
    }
}

#[test]
fn a_resumed_draw_goes_on_as_if_never_stopped() {
    let stream = forced();
    let whole = run(
        &mut Toy::new(5),
        &[drawing(&PROMPT, &stream, 5, 6)],
        &sampling(3.0, 5),
        Noise::Gumbel,
        8,
    );
    for upto in [3, 4, 9, 17, 30, stream.len()] {
        let mut resumed = stream.clone();
        for (id, drawn) in resumed.iter_mut().zip(&whole[0].ids).take(upto) {
            *id = Some(*drawn);
        }
        let drawn = run(
            &mut Toy::new(5),
            &[drawing(&PROMPT, &resumed, 5, 6)],
            &sampling(3.0, 5),
            Noise::Gumbel,
            5,
        );
        assert_eq!(drawn[0].ids, whole[0].ids);
        assert_eq!(drawn[0].drawn, unknown(&resumed));
    }
}

#[test]
fn long_known_runs_go_through_in_chunks_and_short_ones_cost_nothing() {
    // 60 rows of 20 known codes, one code to draw, 60 known rows, one code to draw.
    let known: Vec<_> = (0..2420)
        .filter(|i| ![1200, 2415].contains(i))
        .map(|i| (i, 1))
        .collect();
    let long = stream(121, 20, &known);
    let mut toy = Toy::new(5);
    let drawn = run(
        &mut toy,
        &[drawing(&PROMPT, &long, 5, 1)],
        &sampling(3.0, 5),
        Noise::Gumbel,
        8,
    );
    assert_eq!(drawn[0].drawn, 2);
    let feeds = |lane| {
        toy.forwards
            .iter()
            .flatten()
            .filter(move |feed| feed.0 == lane)
            .map(|feed| feed.1)
    };
    assert!(toy.forwards.iter().flatten().all(|feed| feed.1 <= 512));
    // Nothing behind the last code is run.
    assert_eq!(feeds(1).sum::<usize>(), 3 + 2415 + 120);
    assert_eq!(feeds(0).sum::<usize>(), PROMPT.len() + 3 + 2415 + 120);
    assert_eq!(drawn[0].forwards, 3 + 3);
    let none = stream(2, 2, &[(0, 1), (1, 1), (2, 1), (3, 1)]);
    let drawn = run(
        &mut Toy::new(5),
        &[drawing(&PROMPT, &none, 5, 1)],
        &sampling(3.0, 5),
        Noise::Gumbel,
        8,
    );
    assert_eq!((drawn[0].forwards, drawn[0].ids.len()), (0, none.len()));
}

/// Chi-square of `pictures` coupled draws of a 2 x 2 picture against the exact joint, in standard
/// deviations above its mean, and the largest number of forwards of one draw.
fn surprise(rule: Rule, lookahead: usize, known: &[(usize, u32)], pictures: u64) -> (f64, usize) {
    const CODES: usize = 4;
    let stream = stream(2, 2, known);
    let settings = DrawSettings {
        sampling: sampling(1.5, 3),
        noise: Noise::Coupled,
        lookahead,
        score: false,
    };
    let mut joint = vec![(vec![], 1.0f64)];
    let toy = Toy::new(CODES);
    let mut p = Vec::new();
    for id in &stream {
        let mut longer: Vec<(Vec<u32>, f64)> = Vec::new();
        for (ids, weight) in joint {
            let mut with = |id: u32, p: f64| longer.push(([ids.as_slice(), &[id]].concat(), weight * p));
            if let Some(id) = id {
                with(*id, 1.0);
                continue;
            }
            let c = toy.scores(&[&PROMPT, ids.as_slice()].concat());
            distribution(&c, Some(&toy.scores(&ids)), &settings.sampling, &mut p);
            for (code, &p) in (0..).zip(&p).filter(|(_, p)| **p > 0.0) {
                with(FIRST_CODE + code, f64::from(p));
            }
        }
        joint = longer;
    }
    assert!((joint.iter().map(|(_, p)| p).sum::<f64>() - 1.0).abs() < 1e-5);
    let mut seen = std::collections::HashMap::new();
    let mut forwards = 0;
    for seed in 0..pictures {
        let drawings = [drawing(&PROMPT, &stream, CODES as u32, seed)];
        let drawn = draw_by(
            &mut Toy::new(CODES),
            &drawings,
            (&settings, rule),
            &Cancel::new(),
            &mut |_| (),
        )
        .expect("not cancelled")
        .remove(0);
        forwards = forwards.max(drawn.forwards);
        *seen.entry(drawn.ids).or_insert(0.0) += 1.0;
    }
    let (mut chi, mut cells, mut rest) = (0.0, 0.0, (0.0, 0.0));
    for (ids, p) in joint {
        let (expected, seen) = (p * pictures as f64, seen.remove(&ids).unwrap_or(0.0));
        if expected < 5.0 {
            rest = (rest.0 + expected, rest.1 + seen);
        } else {
            chi += (seen - expected) * (seen - expected) / expected;
            cells += 1.0;
        }
    }
    assert!(seen.is_empty(), "drawn, but of probability 0: {seen:?}");
    if rest.0 > 0.0 {
        chi += (rest.1 - rest.0) * (rest.1 - rest.0) / f64::max(rest.0, 1.0);
        cells += 1.0;
    }
    let freedom: f64 = cells - 1.0;
    ((chi - freedom) / (2.0 * freedom).sqrt(), forwards)
}

#[test]
fn coupled_draws_have_the_exact_joint_distribution() {
    for (lookahead, known) in [(1, &[][..]), (2, &[]), (4, &[]), (16, &[]), (4, &[(1, 2)])] {
        let (surprise, forwards) = surprise(Rule::Exact, lookahead, known, 30_000);
        println!("lookahead {lookahead}: {surprise:.2} sigma");
        assert!(surprise.abs() < 4.0, "lookahead {lookahead}: {surprise}");
        assert!(forwards <= 4 - known.len());
    }
}

#[test]
fn wrong_rules_fail_the_test_of_the_distribution() {
    for rule in [Rule::KeepOldQ, Rule::ResampleFromP] {
        let (surprise, _) = surprise(rule, 4, &[], 30_000);
        println!("{rule:?}: {surprise:.2} sigma");
        assert!(surprise > 8.0, "{rule:?}: {surprise}");
    }
}

#[test]
fn events_tell_what_is_decided_and_guessed() {
    let stream = forced();
    let drawings = [drawing(&PROMPT, &stream, 5, 1), drawing(&PROMPT, &stream, 5, 2)];
    let mut told = [vec![], vec![]];
    let mut toy = Toy::new(5);
    let mut events = |event: Event<'_>| {
        if let Event::Committed {
            candidate,
            upto,
            tokens,
            guesses,
            ..
        } = event
        {
            assert_eq!(upto, tokens.len());
            assert!(upto > told[candidate].len() && tokens.starts_with(&told[candidate]));
            for (known, id) in stream.iter().zip(tokens.iter().chain(guesses)) {
                assert!(known.is_none_or(|known| known == *id));
            }
            told[candidate] = tokens.to_vec();
        }
    };
    let cancel = Cancel::new();
    let drawn = draw(&mut toy, &drawings, &unscored(1.0, 5, 8), &cancel, &mut events).expect("not cancelled");
    assert_eq!(told, [drawn[0].ids.clone(), drawn[1].ids.clone()]);
    assert_eq!(drawn[0].score, None);
    // Without guidance and score there is no unconditional branch.
    assert!(toy.forwards.iter().flatten().all(|feed| feed.0 % 2 == 0));
}

#[test]
fn a_draw_stops_between_forwards_and_hands_over_what_it_has() {
    let stream = stream(6, 6, &[]);
    let drawings = [drawing(&PROMPT, &stream, 5, 1), drawing(&PROMPT, &stream, 5, 2)];
    let whole = run(&mut Toy::new(5), &drawings, &sampling(3.0, 5), Noise::Gumbel, 4);
    for after in [None, Some(0), Some(5)] {
        let cancel = Cancel::new();
        let mut toy = Toy::new(5);
        match after {
            None => cancel.cancel(),
            Some(after) => {
                let cancel = cancel.clone();
                toy.before = Box::new(move |forward| {
                    if forward == after {
                        cancel.cancel();
                    }
                });
            }
        }
        let drawn = draw(&mut toy, &drawings, &unscored(3.0, 5, 4), &cancel, &mut |_| ());
        let Err(DrawError::Cancelled(drawn)) = drawn else {
            panic!("went on: {drawn:?}");
        };
        assert_eq!(toy.forwards.len(), after.map_or(0, |after| after + 1));
        for (drawn, whole) in drawn.iter().zip(&whole) {
            assert!(whole.ids.starts_with(&drawn.ids));
            assert_eq!(drawn.drawn > 0, after == Some(5));
        }
    }
}

#[test]
fn a_paused_draw_waits() {
    let stream = stream(2, 2, &[]);
    let drawings = [drawing(&PROMPT, &stream, 5, 1)];
    let cancel = Cancel::new();
    cancel.pause();
    let other = cancel.clone();
    let mut told = Vec::new();
    let mut events = |event: Event<'_>| match event {
        Event::Paused => {
            told.push("paused");
            let other = other.clone();
            std::thread::spawn(move || {
                std::thread::sleep(std::time::Duration::from_millis(20));
                other.resume();
            });
        }
        Event::Resumed => told.push("resumed"),
        Event::Committed { .. } => told.push("code"),
    };
    let drawn = draw(
        &mut Toy::new(5),
        &drawings,
        &unscored(3.0, 5, 1),
        &cancel,
        &mut events,
    );
    assert!(drawn.is_ok());
    assert_eq!(told, ["paused", "resumed", "code", "code", "code", "code"]);
}

/// They would be drawn from as if they were the likeliest, or not at all: a blank picture.
#[test]
fn scores_that_are_no_numbers_end_the_draw() {
    let stream = stream(2, 2, &[]);
    for spoilt in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for noise in [Noise::Gumbel, Noise::Coupled] {
            let mut toy = Toy::new(5);
            toy.spoilt = Some(spoilt);
            let settings = DrawSettings {
                noise,
                ..unscored(3.0, 5, 4)
            };
            let drawings = [drawing(&PROMPT, &stream, 5, 1)];
            let drawn = draw(&mut toy, &drawings, &settings, &Cancel::new(), &mut |_| ());
            assert_eq!(
                drawn,
                Err(DrawError::Predict(PredictError::not_finite())),
                "{spoilt}"
            );
        }
    }
}

#[test]
fn models_and_streams_that_do_not_fit_are_refused() {
    let stream = stream(2, 2, &[]);
    for drawing in [
        drawing(&PROMPT, &stream, 4, 1),
        drawing(&PROMPT, &stream[3..], 5, 1),
    ] {
        let cancel = Cancel::new();
        let drawn = draw(
            &mut Toy::new(5),
            &[drawing],
            &unscored(3.0, 5, 1),
            &cancel,
            &mut |_| (),
        );
        assert!(matches!(drawn, Err(DrawError::Predict(_))));
    }
}
