//! Every state the window can be in, each made by what leads to it, and what it must say there.
//!
//! The list is also what the keyboard is led through, and where the snapshots come from.

use super::*;
use crate::state::{
    Answer, DoubtAction, DraftAction, Ended, Page, ResultAction, RowAction, RunAction, Verb, ViewAction,
    Wanted, Which, WritingAction,
};
use crate::task::Cause;

pub(super) use super::steps::{
    act, asked, auditioned, await_that, click, contested, done, doubted, drawing, edit_drawing, failed,
    map_painted, masked, open, photo, ready, rewritten, several, started, tab, typed,
};

/// One state: how it is reached, and words that must be there.
pub(super) struct State {
    pub(super) name: &'static str,
    pub(super) reach: fn(&mut Window),
    pub(super) words: &'static [&'static str],
}

/// From a fresh window whose model is being loaded.
pub(super) static STATES: &[State] = &[
    State {
        name: "first run, loading",
        reach: |_| {},
        words: &["Loading the model", "Draw a fox on the beach", "Open a picture"],
    },
    State {
        name: "first run",
        reach: ready,
        words: &[
            "Starter · 32 px",
            "CPU · 2 threads",
            "ready",
            "Draw a cactus in the desert",
            "appear here",
        ],
    },
    State {
        name: "no model",
        reach: |window| tell(window, [Report::LoadFailed(Failure::usage("nothing at /x"))]),
        words: &[
            "No model",
            "The model could not be loaded",
            "nothing at /x",
            "Copy details",
        ],
    },
    State {
        name: "people's words",
        reach: |window| {
            ready(window);
            let words = "a cute puppy in the park".to_owned();
            act(window, DraftAction::Set(Setting::Words(words)));
        },
        words: &[
            "dog",
            "meadow",
            "cute",
            "Leave out: puppy",
            "Draw my words as they are",
        ],
    },
    State {
        name: "outside its world",
        reach: |window| {
            ready(window);
            let words = "a portrait of my mother".to_owned();
            act(window, DraftAction::Set(Setting::Words(words)));
        },
        words: &[
            "The starter cannot draw this",
            "Any subject: the 7B model",
            "Draw my words as they are",
        ],
    },
    State {
        name: "world page",
        reach: |window| {
            ready(window);
            act(window, ViewAction::Page(Page::World));
        },
        words: &[
            "What the starter draws",
            "170 things",
            "Into the prompt: dog",
            "Into the prompt: meadow",
            "Back to the canvas",
        ],
    },
    State {
        name: "models page",
        reach: |window| {
            ready(window);
            act(window, ViewAction::Page(Page::Models));
        },
        words: &["Built-in starter", "Open a model file", "Back to the canvas"],
    },
    State {
        name: "settings",
        reach: |window| {
            ready(window);
            click(window, "Settings");
        },
        words: &["Interface size", "200 %", "Light"],
    },
    State {
        name: "settings page",
        reach: |window| {
            ready(window);
            act(window, ViewAction::Page(Page::Settings));
        },
        words: &[
            "Where they go",
            "How they are named",
            "143207-482913-a-fox-on-the-beach.png",
            "Saved elsewhere as",
            "WebP",
            "Threads of the processor",
            "Memory of the drawing on a card",
            "Tell the desktop",
            "What is written",
            "Leave them out",
            "Collect diagnostics",
        ],
    },
    State {
        name: "model menu",
        reach: |window| {
            ready(window);
            click(window, "Starter · 32 px");
        },
        words: &["Built-in starter", "Open a model file", "Models"],
    },
    State {
        name: "shortcuts",
        reach: |window| {
            ready(window);
            act(window, ViewAction::Help);
        },
        words: &["Undo: mask, pictures, words, queue", "Hold to move the picture"],
    },
    State {
        name: "starting",
        reach: started,
        words: &["Starting", "Pause", "Keep", "Discard", "Being drawn: a cat"],
    },
    State {
        name: "drawing",
        reach: drawing,
        words: &[
            "Row 2 of 4",
            "codes/s",
            "4.0 per step",
            "done at",
            "Pause",
            "Keep",
            "Discard",
        ],
    },
    State {
        name: "drawing with a queue",
        reach: |window| {
            drawing(window);
            for prompt in ["a fox", "an owl"] {
                act(window, DraftAction::Set(Setting::Words(prompt.to_owned())));
                act(window, RunAction::Draw);
            }
        },
        words: &[
            "Queue · 2",
            "Remove: 1 a fox",
            "Waiting 2: an owl",
            "Clear the queue",
        ],
    },
    State {
        name: "paused",
        reach: |window| {
            drawing(window);
            tell(window, [progress(0, Progress::Paused)]);
        },
        words: &["Paused at row 2 of 4", "Resume", "Keep", "Discard"],
    },
    State {
        name: "finishing",
        reach: |window| {
            drawing(window);
            tell(window, rows(0, 4).into_iter().skip(3));
            tell(window, [progress(0, Progress::Decoding)]);
        },
        words: &["Finishing the picture"],
    },
    State {
        name: "a row is marked",
        reach: |window| {
            done(window);
            act(window, RowAction::Mark(2));
        },
        words: &[
            "Ruler: the row from which to draw again",
            "Draw again from row 2",
            "the same words, another seed",
            "Take the mark away",
        ],
    },
    State {
        name: "starts to choose from",
        reach: auditioned,
        words: &[
            "Start 1: seed",
            "Start 8: seed",
            "Press on the starts to draw on",
            "Draw on",
        ],
    },
    State {
        name: "best of four, drawing",
        reach: contested,
        words: &[
            "Row 1 of 4",
            "codes/s",
            "Picture 1: seed",
            "row 3 of 4",
            "Picture 4: seed",
        ],
    },
    State {
        name: "best of four",
        reach: |window| {
            contested(window);
            tell(window, [several(0)]);
        },
        words: &[
            "Best of 4: the likeliest for the prompt · score 9.0, the others 6.0, 3.0 and 0.0",
            "Result: a cat, seed 5",
        ],
    },
    State {
        name: "stopped and kept",
        reach: |window| {
            drawing(window);
            act(window, RunAction::Keep);
            let pictures = Vec::new();
            tell(
                window,
                [Report::Cancelled {
                    task: TaskId(0),
                    pictures,
                }],
            );
            assert_eq!(app(window).studio.outcomes[0].ended, Ended::Stopped);
        },
        words: &["Kept at row 2 of 4", "Finish it", "Result: a cat", "Draw"],
    },
    State {
        name: "failed with rows",
        reach: failed,
        words: &[
            "could not be finished",
            "the memory is full",
            "Copy details",
            "Stopped at row 2 of 4",
            "Resume",
        ],
    },
    State {
        name: "failed without rows",
        reach: |window| {
            started(window);
            let failure = Failure::usage("the prompt is too long");
            tell(
                window,
                [Report::Failed {
                    task: TaskId(0),
                    failure,
                }],
            );
        },
        words: &[
            "could not be drawn",
            "the prompt is too long",
            "Copy details",
            "Draw",
        ],
    },
    State {
        name: "finished",
        reach: done,
        words: &["Result: a cat, seed 5", "Edit this", "Fit", "saved in", "Draw"],
    },
    State {
        name: "not saved",
        reach: |window| {
            drawing(window);
            let pictures = Places::below(&window.folder).pictures;
            std::fs::write(pictures, "in the way of the folder").expect("a file");
            tell(window, [finished(0)]);
            await_that(window, |studio| !studio.unkept.is_empty());
        },
        words: &[
            "The picture could not be saved",
            "Save again",
            "Copy details",
            "Result: a cat",
        ],
    },
    State {
        name: "two results compared",
        reach: |window| {
            done(window);
            act(window, RunAction::Draw);
            tell(window, rows(1, 4).into_iter().chain([finished(1)]));
            let other = app(window).studio.outcomes[1].id;
            act(window, ResultAction::Do(Which::Outcome(other), Verb::Compare));
            assert_eq!(app(window).studio.compared, Some(other));
        },
        words: &["Result: a cat, seed 5", "Canvas"],
    },
    State {
        name: "create",
        reach: |window| tab(window, Tab::Create),
        words: &[
            "Prompt",
            "Size",
            "Square",
            "Seed, guidance, speed",
            "Pictures at a press",
        ],
    },
    State {
        name: "create with everything unfolded",
        reach: |window| {
            tab(window, Tab::Create);
            click(window, "Seed, guidance, speed");
        },
        words: &[
            "Seed",
            "Lock",
            "New",
            "Last",
            "Follow the prompt",
            "Variety",
            "Speed: guess ahead",
        ],
    },
    State {
        name: "pair",
        reach: |window| tab(window, Tab::Pair),
        words: &["Prompt", "Map", "Edges", "Depth", "Pose"],
    },
    State {
        name: "edit without a picture",
        reach: |window| tab(window, Tab::Edit),
        words: &["Instruction", "Open a picture to edit"],
    },
    State {
        name: "editing with a mask",
        reach: masked,
        words: &[
            "Turn 1: photo.png",
            "% to redraw",
            "Brush B",
            "Eraser E",
            "Lasso",
            "Brush size",
            "Feather",
            "Tint",
            "Invert",
            "Outside the mask not one pixel changes.",
            "undone: a step of the mask · undo 3 · redo 1",
            "Undo",
            "Redo",
        ],
    },
    State {
        name: "a masked part is drawn",
        reach: edit_drawing,
        words: &[
            "3 of 5 cells",
            "the rest stays, pixel for pixel",
            "done at",
            "Pause",
        ],
    },
    State {
        name: "a subject is drawn",
        reach: |window| {
            open(window, Target::Reference);
            act(
                window,
                DraftAction::Set(Setting::Words("a fox at night".to_owned())),
            );
            act(window, RunAction::Draw);
            tell(window, rows(0, 3));
        },
        words: &["The subject: photo.png", "Row 1 of 2"],
    },
    State {
        name: "edited, second turn",
        reach: |window| {
            masked(window);
            act(window, RunAction::Draw);
            tell(window, rows(0, 4).into_iter().chain([finished(0)]));
            assert_eq!(app(window).studio.draft.chain.turns().len(), 2);
        },
        words: &[
            "Turns",
            "Turn 1: photo.png",
            "Turn 2: redraw the masked part",
            "Before | After",
        ],
    },
    State {
        name: "subject",
        reach: |window| open(window, Target::Reference),
        words: &[
            "1 in the tray",
            "Subject 1: photo.png",
            "Remove subject 1",
            "Add a picture of the subject",
        ],
    },
    State {
        name: "control with a map",
        reach: |window| open(window, Target::Map),
        words: &["Open a map", "Open a photo to make the map of", "Edges", "Remove"],
    },
    State {
        name: "it may go wrong",
        reach: |window| {
            drawing(window);
            let run = app(window).studio.run.as_mut();
            run.expect("a picture under way").may_go_wrong = Some(1);
            window.run_ok();
        },
        words: &["may go wrong", "Row 2 of 4"],
    },
    State {
        name: "a map is corrected",
        reach: map_painted,
        words: &[
            "Draw a map from the words first",
            "Brush",
            "Lasso",
            "Size [ ]",
            "Nothing",
        ],
    },
    State {
        name: "doubt",
        reach: doubted,
        words: &[
            "Doubtful above",
            "of 16 cells",
            "Select them",
            "Row 1, cell 1",
            "Take alternative 1, 50 %",
            "it is drawn on from there",
        ],
    },
    State {
        name: "two pictures differ",
        reach: |window| {
            done(window);
            act(window, RunAction::Draw);
            tell(window, rows(1, 4).into_iter().chain([finished(1)]));
            await_that(window, |studio| {
                studio.outcomes.iter().all(|outcome| outcome.path.is_some())
            });
            click(window, "Compare");
            act(window, DoubtAction::Toggle);
            await_that(window, |studio| studio.difference_shown().is_some());
        },
        words: &["None of 16 cells differs", "Take the overlay away (D)"],
    },
    State {
        name: "control with a photo",
        reach: |window| {
            open(window, Target::MapPhoto);
            act(window, DraftAction::Set(Setting::Thresholds(0.5, 1.0)));
            await_that(window, |studio| {
                studio.draft.control.edges.is_some_and(|edges| edges > 0.01)
            });
        },
        words: &[
            "Weakest edge",
            "Sure edge",
            "% of the map is drawn",
            "Remove: photo.png",
        ],
    },
    State {
        name: "an empty map",
        reach: |window| {
            open(window, Target::MapPhoto);
            act(window, DraftAction::Set(Setting::Thresholds(255.0, 255.0)));
            await_that(window, |studio| studio.draft.control.is_empty());
        },
        words: &["The map is empty: lower both thresholds"],
    },
    State {
        name: "no file dialog",
        reach: |window| {
            ready(window);
            act(window, Answer::NoDialog(Wanted::Picture(Target::Canvas)));
        },
        words: &[
            "This desktop has no file dialog",
            "The path of a picture",
            "Use this path",
            "Cancel",
        ],
    },
    State {
        name: "predict",
        reach: |window| open(window, Target::Predict),
        words: &["its map is drawn", "Open the picture whose map to draw", "Remove"],
    },
    State {
        name: "a saved picture is dropped",
        reach: |window| {
            ready(window);
            let mut opened = photo();
            opened.task = Some(Box::new(Task::new(crate::task::Mode::Generate, "a dog")));
            act(window, Answer::Opened(Box::new(opened), Target::Canvas));
        },
        words: &["Use its settings", "Remix: its settings, new seeds"],
    },
    State {
        name: "words being rewritten",
        reach: |window| {
            typed(window);
            app(window).studio.act(WritingAction::Ask);
            window.run_ok();
        },
        words: &["the built-in writer is rewriting", "Stop the writer"],
    },
    State {
        name: "rewritten words",
        reach: rewritten,
        words: &[
            "Your words",
            "Rewritten by qwen3",
            "2 brown dogs on the left",
            "Use it",
            "Keep mine",
        ],
    },
    State {
        name: "rewritten words taken",
        reach: |window| {
            rewritten(window);
            click(window, "Use it");
        },
        words: &[
            "Back to my own words",
            "Your words: \u{201c}two dogs in the park\u{201d}",
        ],
    },
    State {
        name: "a writer that fails",
        reach: |window| {
            typed(window);
            asked(window, Err(Failure::failed("qwen3 did not answer within 20 s")));
        },
        words: &["qwen3 did not answer within 20 s"],
    },
    State {
        name: "memory ran out",
        reach: |window| {
            drawing(window);
            let failure =
                Failure::failed("drawing this picture needs 9.0 GB of memory").because(Cause::Memory);
            tell(
                window,
                [Report::Failed {
                    task: TaskId(0),
                    failure,
                }],
            );
            click(window, "See what fits");
        },
        words: &[
            "Memory ran out",
            "drawing this picture needs 9.0 GB",
            "Nothing smaller is known",
        ],
    },
];
