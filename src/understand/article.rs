//! "A" or "an".

/// The article as captions have it.
pub(super) fn article(words: &str) -> &'static str {
    let vowel = words.starts_with(['a', 'e', 'i', 'o', 'u']);
    let exception = words.starts_with("unicorn") || words.starts_with("ufo");
    if vowel && !exception { "an" } else { "a" }
}
