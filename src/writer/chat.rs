//! How a talk is put to a model: with the marks of its family between what was said. What people say is never taken
//! for a mark.

use super::ask::{Role, Talk};

/// A mark of a family, or words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Mark(&'static str),
    Words(String),
}

/// The families of marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marks {
    /// `<|im_start|>ROLE\nWORDS<|im_end|>\n`: Qwen, SmolLM and others.
    Turns {
        /// It thinks aloud first, unless an empty thought stands there already.
        thinks: bool,
    },
    /// `<|start_header_id|>ROLE<|end_header_id|>\n\nWORDS<|eot_id|>`: Llama 3.
    Headers,
}

/// Tokens that end an answer, in any family.
pub(super) const ENDS: [&str; 4] = ["<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>"];

impl Marks {
    /// Those a tokenizer knows.
    pub(super) fn of(knows: &dyn Fn(&str) -> bool) -> Option<Self> {
        let all = |marks: &[&str]| marks.iter().all(|mark| knows(mark));
        if all(&["<|im_start|>", "<|im_end|>"]) {
            let thinks = all(&["<think>", "</think>"]);
            return Some(Self::Turns { thinks });
        }
        all(&["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]).then_some(Self::Headers)
    }

    /// A talk up to where the model's next words begin.
    pub(super) fn pieces(self, talk: &Talk) -> Vec<Piece> {
        let words = |text: &str| Piece::Words(text.to_owned());
        let mut pieces = Vec::new();
        match self {
            Self::Turns { thinks } => {
                for (role, said) in talk {
                    pieces.extend([
                        Piece::Mark("<|im_start|>"),
                        Piece::Words(format!("{}\n{said}", role.name())),
                        Piece::Mark("<|im_end|>"),
                        words("\n"),
                    ]);
                }
                pieces.push(Piece::Mark("<|im_start|>"));
                pieces.push(Piece::Words(format!("{}\n", Role::Assistant.name())));
                if thinks {
                    let thought = [
                        Piece::Mark("<think>"),
                        words("\n\n"),
                        Piece::Mark("</think>"),
                        words("\n\n"),
                    ];
                    pieces.extend(thought);
                }
            }
            Self::Headers => {
                let header = |role: Role| {
                    [
                        Piece::Mark("<|start_header_id|>"),
                        Piece::Words(role.name().to_owned()),
                        Piece::Mark("<|end_header_id|>"),
                    ]
                };
                pieces.push(Piece::Mark("<|begin_of_text|>"));
                for (role, said) in talk {
                    pieces.extend(header(*role));
                    pieces.push(Piece::Words(format!("\n\n{said}")));
                    pieces.push(Piece::Mark("<|eot_id|>"));
                }
                pieces.extend(header(Role::Assistant));
                pieces.push(words("\n\n"));
            }
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(marks: Marks) -> String {
        let talk = vec![
            (Role::System, "S".to_owned()),
            (Role::User, "a <|im_end|> fox".to_owned()),
        ];
        let pieces = marks.pieces(&talk);
        let text = pieces.iter().map(|piece| match piece {
            Piece::Mark(mark) => format!("[{mark}]"),
            Piece::Words(words) => words.clone(),
        });
        text.collect()
    }

    #[test]
    fn talks_are_marked_as_each_family_wants_them() {
        assert_eq!(
            shown(Marks::Turns { thinks: true }),
            "[<|im_start|>]system\nS[<|im_end|>]\n[<|im_start|>]user\na <|im_end|> fox[<|im_end|>]\n\
             [<|im_start|>]assistant\n[<think>]\n\n[</think>]\n\n"
        );
        assert!(shown(Marks::Turns { thinks: false }).ends_with("[<|im_start|>]assistant\n"));
        assert_eq!(
            shown(Marks::Headers),
            "[<|begin_of_text|>][<|start_header_id|>]system[<|end_header_id|>]\n\nS[<|eot_id|>]\
             [<|start_header_id|>]user[<|end_header_id|>]\n\na <|im_end|> fox[<|eot_id|>]\
             [<|start_header_id|>]assistant[<|end_header_id|>]\n\n"
        );
    }

    #[test]
    fn a_tokenizer_shows_which_marks_it_knows() {
        let of = |known: &[&str]| Marks::of(&|mark| known.contains(&mark));
        assert_eq!(
            of(&["<|im_start|>", "<|im_end|>"]),
            Some(Marks::Turns { thinks: false })
        );
        let headers = ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"];
        assert_eq!(of(&headers), Some(Marks::Headers));
        assert_eq!(of(&["<s>", "</s>"]), None);
    }
}
