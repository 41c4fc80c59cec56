//! Strokes undone and redone, stored and painted again; what each tool covers.

use super::*;

fn values(painting: &Painting) -> Vec<u8> {
    painting
        .mask()
        .map(|mask| mask.values().to_vec())
        .unwrap_or_default()
}

fn stroke(painting: &mut Painting, index: u32) {
    let tool = Tool::ALL[index as usize % 4];
    let at = |step: u32| {
        (
            ((index * 13 + step * 7) % 97) as f32,
            ((index * 29 + step * 11) % 61) as f32,
        )
    };
    painting.begin(tool, 1.0 + (index % 5) as f32, at(0));
    for step in 1..6 {
        painting.extend(at(step));
    }
    painting.finish();
}

#[test]
fn sixty_strokes_undone_and_redone_are_identical() {
    let mut painting = Painting::new(Size::new(96, 64));
    let mut seen = vec![values(&painting)];
    for index in 0..60 {
        stroke(&mut painting, index);
        seen.push(values(&painting));
    }
    assert!(seen.windows(2).filter(|pair| pair[0] != pair[1]).count() > 30);
    for index in (0..60).rev() {
        painting.undo();
        assert_eq!(values(&painting), seen[index], "undo to {index}");
    }
    painting.undo();
    assert_eq!((painting.steps_done(), painting.steps_undone()), (0, 60));
    for expected in &seen[1..] {
        painting.redo();
        assert_eq!(&values(&painting), expected);
    }
    painting.redo();
    assert_eq!((painting.steps_done(), painting.steps_undone()), (60, 0));
}

#[test]
fn stored_steps_paint_the_same_mask() {
    let mut painting = Painting::new(Size::new(50, 40));
    for index in 0..9 {
        stroke(&mut painting, index);
    }
    painting.step(Step::Grow(3));
    painting.undo();
    let text = serde_json::to_string(&painting).expect("JSON");
    let mut again: Painting = serde_json::from_str(&text).expect("a painting");
    again.replay();
    assert_eq!(values(&again), values(&painting));
    again.redo();
    painting.redo();
    assert_eq!(values(&again), values(&painting));
}

#[test]
fn a_new_step_ends_what_could_be_redone() {
    let mut painting = Painting::new(Size::new(8, 8));
    painting.step(Step::Invert);
    assert_eq!(painting.share(), 1.0);
    painting.undo();
    stroke(&mut painting, 0);
    assert_eq!(painting.steps_undone(), 0);
}

#[test]
fn tools_cover_what_they_say() {
    let mut painting = Painting::new(Size::new(16, 16));
    painting.begin(Tool::Box, 1.0, (2.0, 3.0));
    painting.extend((9.0, 9.0));
    painting.extend((6.0, 5.0));
    painting.finish();
    assert_eq!(
        values(&painting).iter().filter(|value| **value == 255).count(),
        4 * 2
    );
    assert!(painting.is_inside((2.5, 3.5)) && !painting.is_inside((6.5, 3.5)));
    painting.step(Step::Grow(1));
    assert!(painting.is_inside((1.5, 3.5)) && !painting.is_inside((0.5, 3.5)));
    painting.step(Step::Shrink(1));
    assert!(!painting.is_inside((1.5, 3.5)));
    painting.begin(Tool::Eraser, 40.0, (8.0, 8.0));
    painting.finish();
    assert!(painting.mask().is_none() && painting.was_painted());
    painting.step(Step::Clear);
    assert!(!painting.was_painted());
    painting.begin(Tool::Lasso, 1.0, (0.0, 0.0));
    for corner in [(16.0, 0.0), (0.0, 16.0)] {
        painting.extend(corner);
    }
    painting.finish();
    assert!(painting.is_inside((3.0, 3.0)) && !painting.is_inside((13.0, 13.0)));
}
