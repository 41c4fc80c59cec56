"""Learns the text tokenizer from captions and writes tokenizer.json and tokenizer_config.json.

Needs the `tokenizers` package. The two files are committed: training reads them itself (text.py).
"""
import json
from pathlib import Path

import tokenizers
from tokenizers import models, pre_tokenizers, trainers, decoders

import scenes
import text

HERE = Path(__file__).parent
TEXT_TOKENS = 896
# Grid sizes up to 32 x 32 units: 1024 pixels.
SPECIALS = ["<|endoftext|>", "<racm3:break>", "<eoss>", "<reserved08706>", "<reserved08799>"]
SPECIALS += [f"<reserved{8800 + n:05}>" for n in range(1, 33)]


def captions(count, **asked):
    for index in range(count):
        for turn in scenes.sample(index, "tokenizer", **asked)["turns"]:
            yield text.filled(turn, 32 * (2 + index % 9), 32 * (2 + index // 9 % 9))


def main():
    made = tokenizers.Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    plain = TEXT_TOKENS - len(SPECIALS)
    trainer = trainers.BpeTrainer(
        vocab_size=plain, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    made.train_from_iterator(captions(30000), trainer)
    assert made.get_vocab_size() == plain, made.get_vocab_size()
    made.add_special_tokens(SPECIALS)
    (HERE / "tokenizer.json").write_text(made.to_str(pretty=True) + "\n")
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": None,
        "eos_token": "<|endoftext|>",
        "model_max_length": 4096,
    }
    (HERE / "tokenizer_config.json").write_text(json.dumps(config) + "\n")
    own = text.Tokenizer()
    longest = 0
    # Learned from the world's own words, it also has to tell what people say.
    for caption in [*captions(2000), *captions(2000, wording=1)]:
        assert own.encode(caption) == made.encode(caption, add_special_tokens=False).ids, caption
        longest = max(longest, len(own.encode(caption)))
    print(f"{TEXT_TOKENS} tokens, the longest of 4000 prompts has {longest}")


if __name__ == "__main__":
    main()
